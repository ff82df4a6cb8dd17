//! Skill expressions and decisions of the router, beside a walk over all agents.
#![allow(missing_docs, clippy::expect_used, reason = "a bench on its own fixtures")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use fixtures::routing::{Centre, agent};
use routing::SkillExpr;

const EXPRESSION: &str = "sales>=5 & (english>3 | french>3) & !retention";

fn expressions(c: &mut Criterion) {
    let mut group = c.benchmark_group(format!("skill_expression_{}B", EXPRESSION.len()));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| {
            black_box(EXPRESSION)
                .parse::<SkillExpr>()
                .expect("a valid expression")
        });
    });
    let expr: SkillExpr = EXPRESSION.parse().expect("a valid expression");
    let agents: Vec<_> = (0..2_000).map(agent).collect();
    let mut at = 0;
    group.bench_function("match_one_agent", |bencher| {
        bencher.iter(|| {
            at = (at + 1) % agents.len();
            black_box(expr.matches(&agents[at].skills))
        });
    });
    group.finish();
}

fn decisions(c: &mut Criterion) {
    let expr: SkillExpr = EXPRESSION.parse().expect("a valid expression");
    let agents: Vec<_> = (0..2_000).map(agent).collect();
    let mut group = c.benchmark_group("route_2000_agents");
    group.bench_function("comparison_walk_over_all_agents", |bencher| {
        bencher.iter(|| black_box(agents.iter().filter(|agent| expr.matches(&agent.skills)).count()));
    });
    for waiting in [0, 1_000, 10_000] {
        let now = tokio::time::Instant::now().into_std();
        let mut centre = Centre::new(agents.len(), waiting, now).expect("a router with room");
        assert_eq!(centre.waiting(), waiting);
        group.bench_function(
            format!("submit_select_confirm_ready_{waiting}_waiting"),
            |bencher| {
                bencher.iter(|| {
                    centre
                        .route_one()
                        .expect("a router with room")
                        .expect("an agent who fits")
                });
            },
        );
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800));
    targets = expressions, decisions
}
criterion_main!(benches);

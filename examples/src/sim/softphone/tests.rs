//! The tool as its user sees it: arguments in, lines and outcome out.

use super::*;
use crate::sim::testing::cluster;

/// Runs it to its end; answers the outcome and what was printed.
async fn softphone(line: &str) -> (Result<bool, SoftphoneError>, String) {
    let arguments = Arguments::try_parse_from(std::iter::once("softphone").chain(line.split_whitespace()));
    let mut out = Vec::new();
    let result = run(arguments.unwrap(), &mut out).await;
    (result, String::from_utf8(out).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_calls_over_each_transport_and_records_the_greeting() {
    let cluster = cluster().await;
    let sip = cluster.addresses().sip;
    let folder = tempfile::tempdir().unwrap();
    for transport in ["", "--tcp"] {
        let file = folder.path().join(format!("heard{transport}.wav"));
        let line = format!(
            "--server {sip} {transport} --call 8000 --hang-up-after 0.5 --record {}",
            file.display()
        );
        let (result, printed) = softphone(&line).await;
        assert!(result.unwrap(), "{printed}");
        let heads = [
            "calling 8000",
            "answered after ",
            "ended by us: ",
            "recorded 0 s to ",
        ];
        assert!(
            printed
                .lines()
                .zip(heads)
                .all(|(line, head)| line.starts_with(head)),
            "{printed}"
        );
        let heard = wav::decode(&std::fs::read(file).unwrap(), PLAY_LIMIT).unwrap();
        assert!(
            heard.samples().iter().any(|sample| sample.unsigned_abs() > 500),
            "silence was recorded"
        );
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_phone_takes_a_call_and_ends_after_it() {
    let cluster = cluster().await;
    let sip = cluster.addresses().sip;
    let callee = format!(
        "--server {sip} --register 1001 --password agent-1001 --auto-answer 0 --calls 1 --hang-up-after 0.3"
    );
    let callee = tokio::spawn(async move { softphone(&callee).await });
    let caller = format!("--server {sip} --register 1002 --password agent-1002 --call 1001");
    while cluster.node().stats().await.b2bua.unwrap().bindings == 0 {
        tokio::task::yield_now().await;
    }
    let (result, printed) = softphone(&caller).await;
    assert!(result.unwrap(), "{printed}");
    assert!(printed.contains("ended by the other side"), "{printed}");
    let (result, printed) = callee.await.unwrap();
    assert!(result.unwrap(), "{printed}");
    assert!(
        printed.starts_with("registered 1001\nringing: call from 1002\nanswered after "),
        "{printed}"
    );
    assert!(printed.contains("ended by us: "), "{printed}");
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_number_are_no_success() {
    let cluster = cluster().await;
    let sip = cluster.addresses().sip;
    let (result, printed) = softphone(&format!("--server {sip} --register 1001 --password wrong")).await;
    assert!(!result.unwrap());
    assert!(
        printed.starts_with("registration of 1001 failed: 40"),
        "{printed}"
    );
    let (result, printed) = softphone(&format!("--server {sip} --call 8999")).await;
    assert!(!result.unwrap());
    assert_eq!(printed, "calling 8999\nfailed: 404 Not Found\n");
    cluster.shutdown().await;
}

#[tokio::test]
async fn what_cannot_start_says_why_in_one_line() {
    for (line, why) in [
        (
            "--call 1 --play /nonexistent.wav",
            "/nonexistent.wav: No such file",
        ),
        ("--call 1 --hang-up-after -1", "--hang-up-after: "),
        ("--call 1 --server nowhere", "server nowhere: "),
    ] {
        let line = line.replace("-after -1", "-after=-1");
        let (result, _) = softphone(&line).await;
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with(why) && !error.contains('\n'), "{error}");
    }
    for line in ["", "--call 1 --dtmf x", "--register 1001 --dtmf 1"] {
        let words = std::iter::once("softphone").chain(line.split_whitespace());
        assert!(Arguments::try_parse_from(words).is_err(), "{line}");
    }
}

//! Registrations of phones, and who may call as whom.

use std::time::Duration;

use super::world::{World, address, sdp_of};
use crate::b2bua::{B2buaEvent, Network, OfferSource};
use crate::header::HeaderName;
use crate::status::StatusCode;
use crate::transport::TransportProtocol;
use crate::ua::{RegistrationKey, UaCommand, UaEvent};

fn registered(user: &str) -> B2buaEvent {
    B2buaEvent::Registered { user: user.into() }
}

fn unregistered(user: &str) -> B2buaEvent {
    B2buaEvent::Unregistered { user: user.into() }
}

/// Who the next caller counts as.
fn caller(world: &mut World, node: usize, from: &str) -> Result<Option<String>, u16> {
    world.events.clear();
    world.phone(node).events.clear();
    world.call(node, from, "8000", Some(sdp_of(node)));
    let came = world.events.iter().find_map(|event| match event {
        B2buaEvent::Incoming {
            leg, authenticated, ..
        } => Some((*leg, authenticated.clone())),
        _ => None,
    });
    if let Some((leg, authenticated)) = came {
        world.release(leg);
        return Ok(authenticated);
    }
    let refused = world.phone(node).events.iter().find_map(|event| match event {
        UaEvent::Failed { status, .. } => Some(status.0),
        _ => None,
    });
    Err(refused.expect("the call came in or was refused"))
}

/// Spec: RFC 3261 §10, §22
#[test]
fn a_phone_registers_after_a_challenge_refreshes_silently_and_unregisters() {
    let mut world = World::new();
    world.register_for(2, "7001", Duration::from_secs(120));
    assert!(world.ladder.contains("401 (REGISTER)"), "{}", world.ladder);
    assert_eq!(world.events, [registered("7001")]);
    assert_eq!(world.b2bua.stats().challenges, 1);
    world.run_for(Duration::from_secs(300));
    assert_eq!(world.events, [registered("7001")], "refreshes are not reported");
    world.events.clear();
    world.tell(
        2,
        UaCommand::Unregister {
            key: RegistrationKey(2),
        },
    );
    assert_eq!(world.events, [unregistered("7001")]);
    assert_eq!(world.b2bua.stats().bindings, 0);
}

#[test]
fn a_phone_that_stops_refreshing_expires() {
    let mut world = World::new();
    world.register_for(2, "7001", Duration::from_secs(120));
    world.phone(2).dead = true;
    world.events.clear();
    world.run_for(Duration::from_secs(121));
    assert_eq!(world.events, [unregistered("7001")]);
    let leg = world.invite("7001", OfferSource::Late);
    assert_eq!(world.failed_with(leg), Some(StatusCode(480)));
}

/// Spec: RFC 5626 §5.3
#[test]
fn calls_go_back_along_the_connection_of_the_registration_and_end_with_it() {
    let mut world = World::new();
    world.phone(2).protocol = TransportProtocol::Tcp;
    world.register(2, "7001");
    let binding = &world.b2bua.registrar().location().lookup("7001")[0];
    assert_eq!(
        (binding.flow.protocol, binding.flow.remote),
        (TransportProtocol::Tcp, address(2))
    );
    world.invite("7001", OfferSource::Late);
    let (_, request) = world.ringing(2);
    assert!(request.header(&HeaderName::VIA).unwrap().contains("/TCP "));
    world.events.clear();
    world.lose_connection(2);
    assert!(world.events.contains(&unregistered("7001")), "{:?}", world.events);
    world.assert_clean();
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_refused() {
    let mut world = World::new();
    world.register_for(2, "7009", Duration::from_secs(120));
    let refused = |world: &World, status| {
        world.phones[1].events.iter().any(|event| {
            matches!(event, UaEvent::RegistrationFailed { status: found, .. } if *found == StatusCode(status))
        })
    };
    assert!(refused(&world, 404), "{:?}", world.phones[1].events);
    world.phone(2).events.clear();
    let mut registration = crate::ua::Registration::new(
        super::world::uri("sip:example.com"),
        crate::header::NameAddr::new(super::world::uri("sip:7001@example.com")),
    )
    .with_destination(crate::transport::Destination::udp(address(0)));
    registration.account = Some(crate::ua::Account::new("7001", "guess"));
    let key = RegistrationKey(9);
    world.tell(
        2,
        UaCommand::Register {
            key,
            registration: Box::new(registration),
        },
    );
    let failed = world.phones[1]
        .events
        .iter()
        .any(|event| matches!(event, UaEvent::RegistrationFailed { .. }));
    assert!(failed, "{:?}", world.phones[1].events);
    assert_eq!(world.b2bua.stats().bindings, 0);
}

#[test]
fn the_flow_of_a_registration_proves_its_user_without_a_challenge() {
    let mut world = World::new();
    world.register(2, "7001");
    world.ladder.clear();
    assert_eq!(caller(&mut world, 2, "7001"), Ok(Some("7001".into())));
    assert!(!world.ladder.contains("401"), "{}", world.ladder);
    assert_eq!(
        caller(&mut world, 2, "anything"),
        Ok(Some("7001".into())),
        "another name, the same phone"
    );
}

#[test]
fn a_caller_with_a_local_users_name_must_prove_it() {
    let mut world = World::new();
    world.ladder.clear();
    assert_eq!(caller(&mut world, 1, "7001"), Ok(Some("7001".into())));
    assert!(world.ladder.contains("401 (INVITE)"), "{}", world.ladder);
    // One who is registered as somebody else has to prove it as well.
    world.register(2, "7002");
    world.ladder.clear();
    assert_eq!(caller(&mut world, 2, "7001"), Ok(Some("7001".into())));
    assert!(world.ladder.contains("401 (INVITE)"), "{}", world.ladder);
}

#[test]
fn callers_from_untrusted_networks_need_to_be_local_users() {
    let mut world = World::with_config(|config| config.with_peers(vec![Network::new(address(1).ip(), 32)]));
    assert_eq!(caller(&mut world, 1, "5551000"), Ok(None));
    assert_eq!(caller(&mut world, 3, "5551000"), Err(403));
    assert_eq!(caller(&mut world, 3, "7001"), Ok(Some("7001".into())));
    assert_eq!(
        caller(&mut world, 3, "lobby"),
        Err(403),
        "no password, so only from trusted networks"
    );
    assert_eq!(caller(&mut world, 1, "lobby"), Ok(Some("lobby".into())));
    assert_eq!(world.b2bua.stats().forbidden, 2);
    world.assert_clean();
}

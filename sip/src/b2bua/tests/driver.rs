//! The B2BUA over real sockets: the same driver that serves phones.

use std::time::Duration;

use tokio::time::timeout;

use super::world::{place, prompt, sdp_of};
use crate::b2bua::{B2bua, B2buaCommand, B2buaConfig, B2buaEvent};
use crate::endpoint::{Endpoint, EndpointConfig, EndpointEvent, EndpointEvents};
use crate::header::NameAddr;
use crate::media::{OpId, ScriptedMedia};
use crate::registrar::{MemoryCredentials, RegistrarConfig};
use crate::transport::Destination;
use crate::ua::{
    Account, CallKey, Invite, Registration, RegistrationKey, Seed, UaCommand, UaConfig, UaEvent, UserAgent,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// The next event that fits.
async fn wait_for<C: crate::endpoint::Core, T>(
    events: &mut EndpointEvents<C>,
    fits: impl Fn(&C::Event) -> Option<T>,
) -> T {
    let found = async {
        loop {
            if let EndpointEvent::Core(event) = events.recv().await.expect("the driver runs")
                && let Some(found) = fits(&event)
            {
                return found;
            }
        }
    };
    timeout(PATIENCE, found).await.expect("the event comes")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_registers_over_tcp_calls_and_hears_a_treatment_and_is_called_back_on_its_connection() {
    let bind: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    let registrar = RegistrarConfig::new("example.com", Seed::from_number(5));
    let config = B2buaConfig::new(UaConfig::new(Seed::from_number(6)), registrar);
    let media = ScriptedMedia::new();
    let users = MemoryCredentials::new().with_password("7001", "secret");
    let core = B2bua::new(config, Box::new(users), Box::new(media.clone()));
    let (b2bua, mut legs) = Endpoint::bind(EndpointConfig::new(bind), core).await.unwrap();
    let server = Destination::tcp(b2bua.local_addr());

    // Without a listener of its own the phone can be reached along its connection only.
    let agent = UserAgent::new(UaConfig::new(Seed::from_number(7)));
    let phone_config = EndpointConfig::new(bind).with_tcp_listener(false);
    let (phone, mut calls) = Endpoint::bind(phone_config, agent).await.unwrap();
    let aor: NameAddr = "<sip:7001@example.com>".parse().unwrap();
    let registration = Registration::new("sip:example.com".parse().unwrap(), aor.clone())
        .with_destination(server)
        .with_account(Account::new("7001", "secret"));
    let register = UaCommand::Register {
        key: RegistrationKey(1),
        registration: Box::new(registration),
    };
    phone.send(register).await.unwrap();
    wait_for(&mut calls, |event| {
        matches!(event, UaEvent::Registered { .. }).then_some(())
    })
    .await;
    wait_for(&mut legs, |event| {
        matches!(event, B2buaEvent::Registered { .. }).then_some(())
    })
    .await;

    let invite = Invite::new("sip:8000@example.com".parse().unwrap(), aor)
        .with_destination(server)
        .with_sdp(sdp_of(1));
    let call = CallKey::outgoing(1);
    phone
        .send(UaCommand::Invite {
            call,
            invite: Box::new(invite),
        })
        .await
        .unwrap();
    let (leg, who) = wait_for(&mut legs, |event| match event {
        B2buaEvent::Incoming {
            leg, authenticated, ..
        } => Some((*leg, authenticated.clone())),
        _ => None,
    })
    .await;
    assert_eq!(who.as_deref(), Some("7001"));
    b2bua
        .send(B2buaCommand::Treat {
            leg,
            op: OpId(1),
            request: prompt(),
        })
        .await
        .unwrap();
    let heard = wait_for(&mut calls, |event| match event {
        UaEvent::Answered { sdp, .. } => sdp.clone(),
        _ => None,
    })
    .await;
    assert_eq!(place(&heard), "192.0.2.200:20002");
    wait_for(&mut legs, |event| {
        matches!(event, B2buaEvent::TreatmentStarted { .. }).then_some(())
    })
    .await;

    b2bua
        .send(B2buaCommand::Release { leg, status: None })
        .await
        .unwrap();
    wait_for(&mut calls, |event| {
        matches!(event, UaEvent::Ended { .. }).then_some(())
    })
    .await;
    let back = crate::b2bua::LegKey::outgoing(1);
    let ring = B2buaCommand::Invite {
        leg: back,
        target: crate::b2bua::Target::Aor("7001".into()),
        from_user: "8000".into(),
        from_display: None,
        media: crate::b2bua::OfferSource::Late,
        auto_answer: false,
        timeout: PATIENCE,
        headers: Vec::new(),
    };
    b2bua.send(ring).await.unwrap();
    wait_for(&mut calls, |event| {
        matches!(event, UaEvent::Incoming { .. }).then_some(())
    })
    .await;
    assert!(b2bua.shutdown(PATIENCE).await, "all is ended in time");
    assert_eq!(media.open_ids(), Vec::new());
    phone.shutdown(Duration::from_secs(1)).await;
}

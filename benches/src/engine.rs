//! A T-Server engine on a simulated switch, with a router and a desktop as clients.

use std::time::{Duration, Instant, SystemTime};

use tlib::control::request;
use tlib::sim::{SimEndpoint, SimSwitch};
use tlib::switch::Switch;
use tlib::{
    ClientId, ClientInput, ConfigError, ConnId, DnConfig, KvList, MessageType, Output, TServer, TServerConfig,
};

const ROUTER: ClientId = ClientId(1);
const DESKTOP: ClientId = ClientId(2);
const ROUTING_POINT: &str = "8000";
const PHONE: &str = "7001";
const CALLER: &str = "+493012345701";

/// Routing point 8000, a router client on it, phone 7001 that answers at once, and a desktop client on that.
pub struct CallPath {
    server: TServer,
    switch: SimSwitch,
    now: Instant,
    to_route: Option<ConnId>,
    established: u64,
    messages: u64,
}

/// What one call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallResult {
    /// `EventEstablished` that the desktop saw; 1 when the call went through.
    pub established: u64,
    /// Messages to clients.
    pub messages: u64,
    /// Calls that are left in the engine; 0 when the call is over.
    pub left: u64,
}

impl CallPath {
    /// Starts the engine; `now` is any time.
    ///
    /// # Errors
    /// When the engine refuses its configuration.
    pub fn new(now: Instant) -> Result<Self, ConfigError> {
        let config = TServerConfig::builder()
            .with_dn(DnConfig::extension(PHONE))
            .with_dn(DnConfig::routing_point(ROUTING_POINT))
            .build()?;
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_231_348);
        let mut switch = SimSwitch::new();
        switch.add(PHONE, SimEndpoint::answers_after(Duration::ZERO));
        let server = TServer::new(config, now, wall);
        let mut path = Self {
            server,
            switch,
            now,
            to_route: None,
            established: 0,
            messages: 0,
        };
        for (client, dn) in [(ROUTER, ROUTING_POINT), (DESKTOP, PHONE)] {
            path.server.handle_client(now, ClientInput::Connected { client });
            for message in [
                request::register_client("bench", None),
                request::register_address(dn),
            ] {
                path.server
                    .handle_client(now, ClientInput::Request { client, message });
            }
        }
        path.run();
        Ok(path)
    }

    /// A whole inbound call: offered, queued, user data attached, routed, ringing, answered, released by the caller.
    pub fn call(&mut self) -> CallResult {
        let (established, messages) = (self.established, self.messages);
        self.now += Duration::from_millis(20);
        let leg = self.switch.call(None, CALLER, ROUTING_POINT);
        self.run();
        if let Some(conn) = self.to_route.take() {
            let data = KvList::new().with("Segment", "gold").with("Skill", "sales");
            for message in [
                request::attach_user_data(ROUTING_POINT, conn, data),
                request::route_call(ROUTING_POINT, conn, PHONE),
            ] {
                self.server.handle_client(
                    self.now,
                    ClientInput::Request {
                        client: ROUTER,
                        message,
                    },
                );
                self.run();
            }
        }
        self.switch.hang_up(leg);
        self.run();
        CallResult {
            established: self.established - established,
            messages: self.messages - messages,
            left: self.server.stats().calls,
        }
    }

    /// Passes outputs and events between engine and switch until nothing is left.
    fn run(&mut self) {
        loop {
            if let Some(output) = self.server.poll_output() {
                self.output(output);
            } else if let Some(event) = self.switch.next_event() {
                self.server.handle_switch(self.now, event);
            } else if self.switch.poll_timeout().is_some_and(|at| at <= self.now) {
                self.switch.handle_timeout(self.now);
            } else {
                return;
            }
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Switch(command) => self.switch.handle_command(self.now, command),
            Output::Send { client, message, .. } => {
                self.messages += 1;
                match (client, message.message_type) {
                    (ROUTER, MessageType::EVENT_ROUTE_REQUEST) => self.to_route = message.conn_id(),
                    (DESKTOP, MessageType::EVENT_ESTABLISHED) => self.established += 1,
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_answered_and_over() {
        let mut path = CallPath::new(tokio::time::Instant::now().into_std()).unwrap();
        let first = path.call();
        assert_eq!((first.established, first.left), (1, 0));
        assert!(first.messages >= 7, "{}", first.messages);
        for _ in 0..100 {
            assert_eq!(path.call(), first);
        }
    }
}

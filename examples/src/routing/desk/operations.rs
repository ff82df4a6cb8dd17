//! What sessions ask for, as T-Requests.

use std::time::Instant;

use orchestration::{
    Completion, Failure, InteractionId, Operation, Output, PlatformRequest, Redirect, RequestKey,
};
use scxml::Value;
use tlib::catalog::RouteType;
use tlib::control::request;
use tlib::{AttributeId, ConnId};

use super::treatment::Owner;
use super::{Leftover, Pending, RoutingDesk, convert};

impl RoutingDesk {
    /// Takes what a session wants.
    pub(super) fn handle_session(&mut self, now: Instant, output: Output) {
        match output {
            Output::Request(request) => self.operate(now, request),
            Output::CancelRequest { key, interaction } => self.take_back(now, &key, &interaction),
            Output::SetUserData { interaction, data } => self.set_user_data(&interaction, &data),
            Output::Log { session, record } => tracing::info!(%session, ?record, "strategy"),
            Output::Ended {
                session,
                reason,
                interactions,
                ..
            } => {
                tracing::info!(%session, ?reason, "strategy ended");
                for interaction in interactions {
                    if let Some(conn) = self.interactions.get(&interaction).copied() {
                        self.leave_over(conn);
                    }
                }
            }
            other => tracing::debug!(?other, "output without a consequence"),
        }
    }

    fn operate(&mut self, now: Instant, request: PlatformRequest) {
        let PlatformRequest {
            key,
            interaction,
            operation,
            ..
        } = request;
        let waiting = |call: &super::Call| call.at_point;
        let conn = self.interactions.get(&interaction).copied();
        let Some(conn) = conn.filter(|conn| self.calls.get(conn).is_some_and(waiting)) else {
            // The call is at its destination, or gone; its session will be told.
            let failure = Failure::new("invalidstate.routed", "the call does not wait at a routing point");
            return self.complete(now, &key, Err(failure));
        };
        match operation {
            Operation::Submit(submit) => self.submit(now, conn, key, submit),
            Operation::CancelSubmit { request, queue } => {
                let found = self.cancel_submit(now, conn, request.as_deref(), queue.as_deref());
                let unknown = || Failure::new("unknown", "no such submit waits");
                self.complete(
                    now,
                    &key,
                    if found {
                        Ok(Completion::Done)
                    } else {
                        Err(unknown())
                    },
                );
            }
            Operation::QuerySubmit { request } => {
                let result = self.query_submit(now, &key, &request);
                self.complete(now, &key, result);
            }
            Operation::Treat(treatment) => {
                let owner = Owner::Dialog {
                    key,
                    collects: treatment.collects(),
                };
                self.treat(conn, &treatment, owner);
            }
            Operation::StopTreatment { request } => self.stop_treatment(now, conn, &key, request),
            Operation::Redirect(redirect) => self.redirect(conn, key, &redirect),
            Operation::Terminate(_) => self.terminate(conn, key),
            _ => self.complete(
                now,
                &key,
                Err(Failure::new("unknown", "not supported by this platform")),
            ),
        }
    }

    fn stop_treatment(&mut self, now: Instant, conn: ConnId, key: &RequestKey, request: String) {
        let mut dialog = key.clone();
        dialog.request = request;
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        if !call.treatments.disown(&dialog) {
            return self.complete(now, key, Err(Failure::new("unknown", "no such dialog runs")));
        }
        self.silence(conn);
        self.complete(now, &dialog, Err(Failure::cancelled()));
        self.complete(now, key, Ok(Completion::Done));
    }

    fn redirect(&mut self, conn: ConnId, key: RequestKey, redirect: &Redirect) {
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        let message = request::route_call(&call.point, conn, &redirect.to);
        let reserved = call.submit.as_ref().and_then(|submit| submit.selected.as_ref());
        // The target of a submit without routing: its agent stays reserved until the call gets there.
        let pending = match reserved {
            Some((dn, _)) if *dn == redirect.to => Pending::Route(conn, key),
            _ => Pending::Plain(key),
        };
        self.request(message, pending);
    }

    fn terminate(&mut self, conn: ConnId, key: RequestKey) {
        let Some(call) = self.calls.get(&conn) else { return };
        let mut message = request::route_call(&call.point, conn, "");
        message.remove(AttributeId::OTHER_DN);
        message.set(AttributeId::ROUTE_TYPE, RouteType::CALL_DISCONNECT);
        self.request(message, Pending::Plain(key));
    }

    /// A call that no session has: to the default destination of its routing point, or else released.
    pub(super) fn leave_over(&mut self, conn: ConnId) {
        let Some(call) = self.calls.get(&conn).filter(|call| call.at_point) else {
            return;
        };
        tracing::warn!(%conn, "no strategy has the call any more");
        let mut message = request::route_call(&call.point, conn, "");
        message.remove(AttributeId::OTHER_DN);
        message.set(AttributeId::ROUTE_TYPE, RouteType::DEFAULT);
        self.stats.leftovers += 1;
        self.request(message, Pending::Leftover(conn, Leftover::DefaultDestination));
    }

    pub(super) fn release_leftover(&mut self, conn: ConnId) {
        let Some(call) = self.calls.get(&conn) else { return };
        let mut message = request::route_call(&call.point, conn, "");
        message.remove(AttributeId::OTHER_DN);
        message.set(AttributeId::ROUTE_TYPE, RouteType::CALL_DISCONNECT);
        self.request(message, Pending::Leftover(conn, Leftover::Release));
    }

    fn take_back(&mut self, now: Instant, key: &RequestKey, interaction: &InteractionId) {
        let Some(conn) = self.interactions.get(interaction).copied() else {
            return;
        };
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        if call.submit.take_if(|submit| submit.key == *key).is_some() {
            self.router.cancel(now, &routing::RequestId::new(key.to_string()));
            self.targets.remove(key);
        }
        let Some(call) = self.calls.get_mut(&conn) else {
            return;
        };
        if call.treatments.disown(key) && call.at_point {
            self.silence(conn);
        }
    }

    fn set_user_data(&mut self, interaction: &InteractionId, data: &Value) {
        let Some(conn) = self.interactions.get(interaction).copied() else {
            return;
        };
        let Some(call) = self.calls.get(&conn) else { return };
        let message = request::update_user_data(&call.point, conn, convert::to_list(data));
        self.request(message, Pending::Quiet);
    }
}

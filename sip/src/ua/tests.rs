//! Calls between two simulated user agents: exact times, lost messages, races.

mod call;
mod hostile;
mod random;
mod registration;
mod support;

use super::{CallInput, CallState};

#[test]
fn every_pair_of_call_state_and_input_is_as_reviewed() {
    let rows: Vec<String> = CallState::ALL
        .iter()
        .flat_map(|state| CallInput::ALL.iter().map(move |input| (state, input)))
        .map(|(state, input)| match state.on(*input) {
            Some(to) => format!("{state:?} + {input:?} = {to:?}"),
            None => format!("{state:?} + {input:?} ignored"),
        })
        .collect();
    insta::assert_snapshot!(rows.join("\n"));
}

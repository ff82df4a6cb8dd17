//! Workspace layer: what agents and operators hold in their hands.

pub mod tlib_cli;

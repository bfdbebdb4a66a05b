//! What Affitor's integrators ask: while they set up, and how their program does.

mod program;
mod set_up;

pub use program::{
    EventOfProgram, MAX_COUNTED, MAX_EVENTS, Money, Performance, ProgramName, ProgramState, events,
    performance, program, state,
};
pub use set_up::{MAX_TEST_EVENTS, Readiness, TEST_WINDOW, TestCounts, readiness, test_counts};

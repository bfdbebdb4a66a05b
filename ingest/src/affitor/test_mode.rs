//! Calls that try out an integration: `"additional_data": {"test_mode": true}`. They leave an event and nothing else.

use common::domain::{Body, MetaData, ProgramId, TestEvent, TestKind};
use serde_json::Value;

use super::{details::hashed, kind::Call};
use common::http::request::{Fields, Invalid, MAX_ID};

/// What a test says about itself.
#[derive(Clone, Debug)]
pub(super) struct Test {
    /// Slug or number.
    program: Option<String>,
    /// The same, to be printed: as it was sent.
    pub(super) program_id: Value,
}

/// Who names no program means that of the key, if it is bound to one: `scope`.
///
/// # Errors
/// When `additional_data` or what it says about tests is wrong.
pub(super) fn test(fields: &Fields, scope: Option<ProgramId>) -> Result<Option<Test>, Invalid> {
    // What is no object says nothing of tests, and is told with the rest.
    let Ok(Some(more)) = fields.nested("additional_data") else {
        return Ok(None);
    };
    if more.flag("test_mode")? != Some(true) {
        return Ok(None);
    }
    let program = more.text("program_id", MAX_ID)?;
    let sent = more.value("program_id")?.filter(|_| program.is_some());
    let program_id = sent.cloned().or(scope.map(|scope| scope.0.into()));
    Ok(Some(Test {
        program: program.or(scope.map(|scope| scope.0.to_string())),
        program_id: program_id.unwrap_or_default(),
    }))
}

/// The event of a test of `call`.
pub(super) fn event(call: Call, test: &Test, fields: &Fields) -> Body {
    Body::Test(TestEvent {
        what: kind(call),
        program: test.program.clone(),
        details: as_sent(fields),
    })
}

fn kind(call: Call) -> TestKind {
    match call {
        Call::Click => TestKind::Click,
        Call::Lead => TestKind::Lead,
        Call::Sale => TestKind::Sale,
        Call::Refund => TestKind::Refund,
    }
}

/// But for the address, which is never kept as it is.
fn as_sent(fields: &Fields) -> MetaData {
    let mut sent = fields.values().clone();
    if let Some(email) = sent.get_mut("email").filter(|email| !email.is_null()) {
        *email = hashed(email.as_str().unwrap_or_default()).into();
    }
    fields.cleaned("the body", sent.into())
}

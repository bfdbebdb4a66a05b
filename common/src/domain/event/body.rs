//! What an event asks for: one variant for each kind of event.

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, EnumIter, EnumString, IntoStaticStr, VariantNames};
use utoipa::ToSchema;

use super::{
    click::{RecordClick, TestEvent},
    conversion::{
        AddCommissions, Chargeback, CreateConversion, EditCommission, EditConversion, Refund,
        UpdateConversion,
    },
    customer::{CreateCustomer, Lead, UpdateCustomer},
    dialect::Dialect,
    needs::Needs,
    payment::{CancelPayment, Pay},
    recalculate::RecalculateCommissions,
    scheduled::Scheduled,
};
use crate::domain::names::named;

/// What is asked for. Later versions add variants: an envelope with one of them has a later version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, EnumDiscriminants)]
#[serde(rename_all = "snake_case")]
#[strum_discriminants(
    name(EventKind),
    doc = "The kind of an event, as rows hold it and operators filter by it.",
    derive(Serialize, Deserialize, ToSchema, EnumIter, EnumString, IntoStaticStr, VariantNames),
    schema(as = explain::EventKind),
    serde(rename_all = "snake_case"),
    strum(serialize_all = "snake_case")
)]
pub enum Body {
    CreateConversion(Box<CreateConversion>),
    UpdateConversion(UpdateConversion),
    Refund(Refund),
    Chargeback(Chargeback),
    EditConversion(Box<EditConversion>),
    AddCommissions(AddCommissions),
    EditCommission(EditCommission),
    Click(Box<RecordClick>),
    CreateCustomer(Box<CreateCustomer>),
    UpdateCustomer(UpdateCustomer),
    Lead(Box<Lead>),
    Pay(Pay),
    CancelPayment(CancelPayment),
    Scheduled(Scheduled),
    Test(TestEvent),
    RecalculateCommissions(RecalculateCommissions),
}

impl Body {
    pub fn kind(&self) -> EventKind {
        self.into()
    }

    /// See [`Event::needs`](super::Event::needs).
    pub(super) fn needs(&self, dialect: Dialect) -> Needs<'_> {
        match self {
            Self::CreateConversion(create) => create.needs(dialect),
            Self::UpdateConversion(update) => update.needs(),
            Self::Refund(refund) => refund.needs(),
            Self::Chargeback(chargeback) => chargeback.needs(),
            Self::EditConversion(edit) => edit.needs(),
            Self::AddCommissions(add) => add.needs(),
            Self::EditCommission(edit) => edit.needs(),
            Self::Click(click) => click.needs(),
            Self::CreateCustomer(create) => create.needs(),
            Self::UpdateCustomer(update) => update.needs(),
            Self::Lead(lead) => lead.needs(),
            Self::Pay(pay) => pay.needs(),
            Self::CancelPayment(cancel) => cancel.needs(),
            Self::Scheduled(scheduled) => scheduled.needs(),
            Self::Test(_) => Needs::default(),
            Self::RecalculateCommissions(recalculate) => recalculate.needs(),
        }
    }
}

named! { EventKind }

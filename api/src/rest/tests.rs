use chrono::DateTime;
use common::domain::{
    AffiliateId, AffiliateView, CommissionId, CommissionView, ConversionId, ConversionView, CustomerId,
    CustomerView, MetaData, ProgramView, PublicId, PublicIdKind,
};

use common::tapfiliate_json::Conversion;

pub(crate) fn conversion() -> ConversionView {
    let jane = AffiliateView {
        id: AffiliateId(1),
        slug: "janejameson".into(),
        firstname: "Jane".into(),
        lastname: "Jameson".into(),
    };
    let created_at = DateTime::from_timestamp(1_614_775_159, 0).unwrap();
    let usd = "USD".parse().unwrap();
    ConversionView {
        id: ConversionId(7),
        external_id: Some("ORD123".into()),
        amount: "550.000000".parse().unwrap(),
        currency: usd,
        created_at,
        program: ProgramView {
            slug: "johns-affiliate-program".into(),
            title: "John's affiliate program".into(),
            currency: usd,
        },
        affiliate: jane.clone(),
        customer: Some(CustomerView {
            id: CustomerId(5),
            external_id: Some("USER999".into()),
            status: "paying".into(),
        }),
        meta_data: MetaData::from_iter([("foo".into(), "bar".into())]),
        commissions: vec![CommissionView {
            id: CommissionId(3),
            kind: "regular".into(),
            affiliate: jane,
            commission_type: "standard".into(),
            commission_name: "standard".into(),
            sub_amount: "550".parse().unwrap(),
            amount: "55.0500".parse().unwrap(),
            currency: usd,
            approved: Some(true),
            comment: None,
            created_at,
            conversion: Some(ConversionId(7)),
            payment: None,
            finalised_at: None,
        }],
        click: None,
        affiliate_meta_data: None,
        warnings: Vec::new(),
    }
}

#[test]
fn a_conversion_has_the_shape_of_the_seed() {
    let customer = PublicId::new(PublicIdKind::Customer, 5).to_string();
    let want = format!(
        concat!(
            r#"{{"id":7,"external_id":"ORD123","amount":550,"click":null,"commissions":[{{"id":3,"#,
            r#""conversion_sub_amount":550,"amount":55.05,"commission_type":"standard","approved":true,"#,
            r#""affiliate":{{"id":"janejameson","firstname":"Jane","lastname":"Jameson"}},"kind":"regular","#,
            r#""currency":"USD","created_at":"2021-03-03T12:39:19+0000","payout":null,"comment":null,"final":null,"#,
            r#""commission_name":"standard"}}],"program":{{"id":"johns-affiliate-program","#,
            r#""title":"John's affiliate program","currency":"USD"}},"affiliate":{{"id":"janejameson","#,
            r#""firstname":"Jane","lastname":"Jameson"}},"customer":{{"id":"{}","customer_id":"USER999","#,
            r#""status":"paying"}},"affiliate_meta_data":null,"meta_data":{{"foo":"bar"}},"#,
            r#""created_at":"2021-03-03T12:39:19+0000","warnings":null}}"#,
        ),
        customer
    );
    assert!(customer.starts_with("cu_"));
    assert_eq!(
        serde_json::to_string(&Conversion::from(&conversion())).unwrap(),
        want
    );
}

#[test]
fn a_conversion_without_a_customer_prints_nulls() {
    let mut conversion = conversion();
    conversion.customer = None;
    conversion.external_id = None;
    let shown = serde_json::to_value(Conversion::from(&conversion)).unwrap();
    assert!(shown["customer"].is_null() && shown["external_id"].is_null());
}

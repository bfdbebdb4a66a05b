//! Requests as bytes: each kind is made once, and what differs from request to request is written over it in place.

use std::fmt::Write as _;

/// What stands in a template where an order's or a customer's random number goes, and an affiliate's number.
const ORDER: &str = "OOOOOOOOOOOOOOOO";
const CUSTOMER: &str = "CCCCCCCCCCCCCCCC";
const AFFILIATE: &str = "AAA";

/// Affiliates of the measured organisation: their coupons are `BENCH000` and so on, their referral codes `bench000`.
pub(crate) const AFFILIATES: u64 = 100;
/// Orders that are remembered to be sent again, refunded or updated.
const REMEMBERED: usize = 10_000;

/// In whose words requests are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Sales as in the example of Yaplet's document.
    Yaplet,
    /// In turn sales of Yaplet, Tapfiliate's REST and postback, and Affitor; refunds and updates of earlier ones.
    Mixed,
}

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) key: String,
    pub(crate) dialect: Dialect,
    /// Ask for the receipt instead of the outcome.
    pub(crate) receipts: bool,
    /// Of a hundred sales so many are of one affiliate, the rest of all evenly.
    pub(crate) of_one_affiliate: u64,
    /// Of a hundred sales so many are of customers that have bought before, of so many.
    pub(crate) of_old_customers: (u64, u64),
    /// Of a hundred requests so many are an earlier one again.
    pub(crate) repeated: u64,
}

impl Workload {
    /// Random orders, evenly spread over affiliates, four of five of a new customer.
    pub(crate) fn even(key: &str) -> Self {
        Self {
            key: key.to_owned(),
            dialect: Dialect::Yaplet,
            receipts: false,
            of_one_affiliate: 0,
            of_old_customers: (20, 1_000_000),
            repeated: 0,
        }
    }
}

/// Bytes with the places that differ.
#[derive(Debug)]
struct Template {
    bytes: Vec<u8>,
    orders: Vec<usize>,
    customers: Vec<usize>,
    affiliates: Vec<usize>,
}

impl Template {
    fn new(text: &str) -> Self {
        let places = |mark: &str| text.match_indices(mark).map(|(place, _)| place).collect();
        Self {
            orders: places(ORDER),
            customers: places(CUSTOMER),
            affiliates: places(AFFILIATE),
            bytes: text.as_bytes().to_vec(),
        }
    }

    fn write(&self, order: u64, customer: u64, affiliate: u64, request: &mut Vec<u8>) {
        request.clear();
        request.extend_from_slice(&self.bytes);
        let number = hex(order);
        for place in &self.orders {
            put(request, *place, &number);
        }
        let number = hex(customer);
        for place in &self.customers {
            put(request, *place, &number);
        }
        let number = [affiliate / 100 % 10, affiliate / 10 % 10, affiliate % 10];
        let number = number.map(|digit| b'0' + u8::try_from(digit).unwrap_or_default());
        for place in &self.affiliates {
            put(request, *place, &number);
        }
    }
}

fn put(request: &mut [u8], place: usize, text: &[u8]) {
    if let Some(target) = request.get_mut(place..place + text.len()) {
        target.copy_from_slice(text);
    }
}

fn hex(number: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'0'; 16];
    for (place, digit) in text.iter_mut().enumerate() {
        let nibble = usize::try_from(number >> (60 - 4 * place) & 15).unwrap_or_default();
        *digit = DIGITS.get(nibble).copied().unwrap_or(b'0');
    }
    text
}

/// Requests one after the other.
#[derive(Debug)]
pub(crate) struct Requests {
    workload: Workload,
    sales: Vec<Template>,
    changes: Vec<Template>,
    /// Those that can be sent again or changed: order, customer, affiliate, and by which template.
    remembered: Vec<(u64, u64, u64, usize)>,
    made: u64,
}

impl Requests {
    pub(crate) fn new(workload: Workload) -> Self {
        let (sales, changes) = templates(&workload);
        let template = |(head, body): &(String, String)| Template::new(&http(head, body, &workload));
        Self {
            sales: sales.iter().map(template).collect(),
            changes: changes.iter().map(template).collect(),
            remembered: Vec::new(),
            made: 0,
            workload,
        }
    }

    /// How many were made.
    pub(crate) fn made(&self) -> u64 {
        self.made
    }

    /// Writes the next one over `request`.
    pub(crate) fn next(&mut self, request: &mut Vec<u8>) {
        self.made += 1;
        let draw = rand::random::<u64>();
        if draw % 100 < self.workload.repeated
            && let Some((order, customer, affiliate, template)) = self.earlier(draw)
        {
            return self.write(template, order, customer, affiliate, request);
        }
        // A fifth of the mixture changes what was sold before.
        if draw.is_multiple_of(5)
            && let Some(change) = pick(&self.changes, draw >> 32)
            && let Some((order, customer, affiliate, _)) = self.earlier(draw)
        {
            return change.write(order, customer, affiliate, request);
        }
        let order = rand::random::<u64>();
        let (old, customers) = self.workload.of_old_customers;
        let is_old = (draw >> 8) % 100 < old;
        let customer = if is_old { (draw >> 16) % customers } else { order };
        let is_one = (draw >> 24) % 100 < self.workload.of_one_affiliate;
        let affiliate = if is_one { 0 } else { (draw >> 32) % AFFILIATES };
        let sales = u64::try_from(self.sales.len()).unwrap_or(1).max(1);
        let template = usize::try_from(self.made % sales).unwrap_or_default();
        if self.workload.repeated > 0 || !self.changes.is_empty() {
            self.remember((order, customer, affiliate, template));
        }
        self.write(template, order, customer, affiliate, request);
    }

    fn write(&self, template: usize, order: u64, customer: u64, affiliate: u64, request: &mut Vec<u8>) {
        if let Some(template) = self.sales.get(template) {
            template.write(order, customer, affiliate, request);
        }
    }

    fn earlier(&self, draw: u64) -> Option<(u64, u64, u64, usize)> {
        pick(&self.remembered, draw >> 40).copied()
    }

    fn remember(&mut self, sale: (u64, u64, u64, usize)) {
        if self.remembered.len() < REMEMBERED {
            return self.remembered.push(sale);
        }
        let place = usize::try_from(self.made).unwrap_or_default() % REMEMBERED;
        if let Some(old) = self.remembered.get_mut(place) {
            *old = sale;
        }
    }
}

fn pick<T>(from: &[T], draw: u64) -> Option<&T> {
    let length = u64::try_from(from.len()).ok().filter(|length| *length > 0)?;
    from.get(usize::try_from(draw % length).ok()?)
}

/// The bytes of a request from its first lines, as `POST /path` and headers, and its body.
fn http(head: &str, body: &str, workload: &Workload) -> String {
    let (line, headers) = head.split_once('\n').unwrap_or((head, ""));
    let mut text = format!("{line} HTTP/1.1\r\nHost: bench\r\n");
    for header in headers.lines() {
        // Writing to a String cannot fail.
        write!(text, "{header}\r\n").unwrap_or_default();
    }
    if workload.receipts {
        text.push_str("Prefer: respond-async\r\n");
    }
    if !body.is_empty() {
        write!(
            text,
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        )
        .unwrap_or_default();
    }
    text.push_str("\r\n");
    text.push_str(body);
    text
}

type Texts = Vec<(String, String)>;

/// The sales, and what changes them.
fn templates(workload: &Workload) -> (Texts, Texts) {
    let key = &workload.key;
    let yaplet = (
        format!("POST /api/affiliates/track/BENCH{AFFILIATE}\nY-API-Key: {key}"),
        format!(
            "{{\"order_id\": \"order-{ORDER}\", \"total_amount\": 100.00, \"currency\": \"USD\", \"customer\": {{\"email\": \
             \"{CUSTOMER}@example.com\", \"name\": \"Jane Smith\", \"customer_id\": \"cust-{CUSTOMER}\", \"customer_metadata\": \
             {{\"source\": \"website\"}}}}, \"notes\": \"Summer sale order\", \"product\": {{\"id\": \"prod_123\", \"name\": \"Pro \
             Plan\", \"category\": \"subscription\"}}, \"metadata\": {{\"utm_source\": \"newsletter\"}}}}"
        ),
    );
    if workload.dialect == Dialect::Yaplet {
        return (vec![yaplet], Vec::new());
    }
    let rest = (
        format!("POST /1.6/conversions/\nX-Api-Key: {key}"),
        format!(
            "{{\"coupon\": \"BENCH{AFFILIATE}\", \"external_id\": \"order-{ORDER}\", \"amount\": 100, \"currency\": \"USD\", \
             \"customer_id\": \"cust-{CUSTOMER}\", \"meta_data\": {{\"foo\": \"bar\"}}, \"ip\": \"111.11.11.111\", \"user_agent\": \
             \"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/75.0.3770.100\"}}"
        ),
    );
    let postback = (
        format!(
            "GET /1.7/pb/con/c/?referral_code=bench{AFFILIATE}&amount=100&external_id=order-{ORDER}&customer_id=cust-{CUSTOMER}\n\
             X-Api-Key: {key}"
        ),
        String::new(),
    );
    let refund = (
        format!("POST /api/v1/track/refund\nAuthorization: Bearer {key}"),
        format!(
            "{{\"transaction_id\": \"order-{ORDER}\", \"refund_amount_cents\": 2500, \"refund_id\": \"re_1\"}}"
        ),
    );
    let update = (
        format!("GET /1.7/pb/con/u/?external_id=order-{ORDER}&amount=90\nX-Api-Key: {key}"),
        String::new(),
    );
    (vec![yaplet, rest, postback], vec![refund, update])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(workload: Workload, count: usize) -> Vec<String> {
        let mut requests = Requests::new(workload);
        let mut bytes = Vec::new();
        let next = |_| {
            requests.next(&mut bytes);
            String::from_utf8(bytes.clone()).unwrap()
        };
        (0..count).map(next).collect()
    }

    #[test]
    fn each_request_is_an_order_of_its_own_and_whole() {
        let texts = made(Workload::even("some-key"), 200);
        for text in &texts {
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("POST /api/affiliates/track/BENCH0"), "{head}");
            assert!(
                head.contains("Y-API-Key: some-key") && !head.contains("respond-async"),
                "{head}"
            );
            assert!(
                head.contains(&format!("Content-Length: {}", body.len())),
                "{head}"
            );
            let order: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(
                order["order_id"].as_str().map(str::len),
                Some("order-".len() + 16)
            );
            assert!(!text.contains(ORDER) && !text.contains(CUSTOMER) && !text.contains(AFFILIATE));
        }
        let mut orders = texts.clone();
        orders.sort();
        orders.dedup();
        assert_eq!(orders.len(), texts.len());
    }

    #[test]
    fn shares_of_the_workload_are_kept() {
        let hot = Workload {
            of_one_affiliate: 90,
            receipts: true,
            ..Workload::even("k")
        };
        let texts = made(hot, 2_000);
        let of_one = texts.iter().filter(|text| text.contains("/BENCH000 ")).count();
        assert!((1_700..1_900).contains(&of_one), "{of_one}");
        assert!(
            texts
                .iter()
                .all(|text| text.contains("Prefer: respond-async\r\n"))
        );
        let again = Workload {
            repeated: 30,
            ..Workload::even("k")
        };
        let mut texts = made(again, 2_000);
        texts.sort();
        texts.dedup();
        assert!((1_300..1_520).contains(&texts.len()), "{}", texts.len());
    }

    #[test]
    fn a_mixture_has_all_its_kinds() {
        let mixed = Workload {
            dialect: Dialect::Mixed,
            ..Workload::even("k")
        };
        let texts = made(mixed, 500);
        for kind in [
            "POST /api/affi",
            "POST /1.6/con",
            "GET /1.7/pb/con/c",
            "POST /api/v1/track/refund",
            "GET /1.7/pb/con/u",
        ] {
            assert!(texts.iter().any(|text| text.starts_with(kind)), "{kind}");
        }
    }
}

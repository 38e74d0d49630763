//! The decoder is total: any bytes give a message or an error, and every message survives the way there and back.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use seraph_wire::*;

const UP_OPCODES: std::ops::Range<u32> = 100..110;
const DOWN_OPCODES: std::ops::Range<u32> = 0..8;

fn span() -> impl Strategy<Value = Span> {
    (any::<u64>(), any::<u64>()).prop_map(|(offset, len)| Span { offset, len })
}

fn loss() -> impl Strategy<Value = LossSpec> {
    let list = || proptest::option::of(vec(any::<i32>(), 0..9));
    (any::<i32>(), any::<f32>(), list(), list(), proptest::option::of(vec(-1e9f32..1e9, 0..9))).prop_map(
        |(kind, kappa, classes, targets, cotangent)| LossSpec { kind, kappa, classes, targets, cotangent },
    )
}

fn asked() -> impl Strategy<Value = Up> {
    let ask = prop_oneof![Just(Ask::Decision), Just(Ask::Logits), Just(Ask::LossGrad), Just(Ask::Commit)];
    (ask, vec(any::<u32>(), 0..9), span(), proptest::option::of(loss()))
        .prop_map(|(ask, items, rows, loss)| Up::Asked(Asked { ask, items, rows, loss }))
}

fn start() -> impl Strategy<Value = Down> {
    let value = prop_oneof![
        (-1e300..1e300).prop_map(Value::F64),
        any::<i64>().prop_map(Value::I64),
        any::<bool>().prop_map(Value::Bool),
        any::<u32>().prop_map(Value::Choice),
        (any::<i32>(), any::<u64>()).prop_map(|(fd, len)| Value::Blob(Blob { fd, len })),
    ];
    (".{0,40}", vec((any::<u32>(), value), 0..6), any::<u64>(), vec(".{0,20}", 0..4)).prop_map(
        |(id, values, memory_bytes, paths)| {
            let policy = Policy {
                memory_bytes,
                cpu_s: 1,
                threads: 2,
                execute_paths: paths.clone(),
                read_paths: paths,
                own_user: true,
            };
            Down::Start(Start { role: Role::Attack, id, config: Config { values }, policy })
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_decode_to_a_message_or_an_error(
        opcode in prop_oneof![UP_OPCODES, DOWN_OPCODES, any::<u32>()],
        bytes in vec(any::<u8>(), 0..400),
    ) {
        let _ = Up::decode(opcode, &bytes);
        let _ = Down::decode(opcode, &bytes);
    }

    #[test]
    fn any_header_decodes_to_itself_or_an_error(bytes in vec(any::<u8>(), HEADER_BYTES)) {
        let bytes: [u8; HEADER_BYTES] = bytes.try_into().unwrap();
        if let Ok(header) = Header::from_bytes(&bytes) {
            prop_assert_eq!(Header::from_bytes(&header.to_bytes()).unwrap(), header);
        }
    }

    #[test]
    fn questions_survive(message in asked()) {
        let mut body = Vec::new();
        message.put_body(&mut body);
        let back = Up::decode(message.opcode(), &body).unwrap();
        // Compared as text and as bytes: NaN equals itself there.
        let mut again = Vec::new();
        back.put_body(&mut again);
        prop_assert_eq!(body, again);
        prop_assert_eq!(format!("{back:?}"), format!("{message:?}"));
    }

    #[test]
    fn starts_survive(message in start()) {
        let mut body = Vec::new();
        message.put_body(&mut body);
        prop_assert_eq!(Down::decode(message.opcode(), &body).unwrap(), message);
    }

    #[test]
    fn a_message_cut_short_or_too_long_is_refused(message in asked(), cut in any::<prop::sample::Index>()) {
        let mut body = Vec::new();
        message.put_body(&mut body);
        let short = cut.index(body.len());
        prop_assert!(Up::decode(message.opcode(), &body[..short]).is_err());
        body.push(0);
        prop_assert!(Up::decode(message.opcode(), &body).is_err());
    }

    #[test]
    fn a_checked_span_lies_in_its_area(span in span(), area in any::<u64>(), expected in any::<u64>()) {
        if let Ok(range) = span.checked(area, expected) {
            prop_assert!(range.end as u64 <= area && range.len() as u64 == expected && range.start % 64 == 0);
        }
    }
}

/// A list that claims more entries than bytes are left is refused before anything is allocated for it.
#[test]
fn a_huge_count_allocates_nothing() {
    for (opcode, bytes) in
        [(105, vec![1, 0xff, 0xff, 0xff, 0xff]), (101, vec![0xff; 8]), (102, vec![0xff; 64])]
    {
        assert!(matches!(Up::decode(opcode, &bytes), Err(DecodeError::Truncated { .. })), "{opcode}");
    }
}

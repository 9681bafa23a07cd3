//! Trace headers, whatever they hold: a trace is continued or begun, and what is sent on is well-formed.

use bolero::TypeGenerator;
use chassis::trace::{BAGGAGE, SpanId, TRACEPARENT, TRACESTATE, TraceContext, X_AMZN_TRACE_ID};
use http::{HeaderMap, HeaderValue};

/// A piece of a header: what parsers look for, and anything else.
#[derive(Clone, Debug, TypeGenerator)]
enum Piece {
    Id(u128),
    Span(u64),
    Flags(u8),
    Word(Word),
    Bytes(Vec<u8>),
}

#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Word {
    Dash,
    Comma,
    Root,
    Parent,
    Sampled,
    Own,
    Capital,
    Space,
}

impl Piece {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Id(id) => format!("{id:032x}").into_bytes(),
            Self::Span(id) => format!("{id:016x}").into_bytes(),
            Self::Flags(flags) => format!("{flags:02x}").into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Word(word) => match word {
                Word::Dash => b"-".to_vec(),
                Word::Comma => b",".to_vec(),
                Word::Root => b"Root=1-".to_vec(),
                Word::Parent => b";Parent=".to_vec(),
                Word::Sampled => b";Sampled=1".to_vec(),
                Word::Own => b"Self=1-00000000-000000000000000000000001;".to_vec(),
                Word::Capital => b"ABCDEF".to_vec(),
                Word::Space => b" ".to_vec(),
            },
        }
    }
}

#[test]
fn fuzz_trace_headers() {
    bolero::check!()
        .with_type::<[Vec<Vec<Piece>>; 4]>()
        .for_each(|lines| {
            let mut headers = HeaderMap::new();
            let names = [TRACEPARENT, TRACESTATE, X_AMZN_TRACE_ID, BAGGAGE];
            for (name, lines) in names.into_iter().zip(lines) {
                for line in lines.iter().take(3) {
                    let bytes: Vec<u8> = line.iter().flat_map(Piece::bytes).collect();
                    if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                        headers.append(&name, value);
                    }
                }
            }
            let context = TraceContext::from_headers(&headers);
            assert_ne!(context.trace_id.get(), 0);
            assert!(context.parent.is_none_or(|parent| parent.get() != 0));

            // What is sent on is read by the next one as it was meant.
            let mut sent = HeaderMap::new();
            let span = SpanId::random();
            context.inject(span, &mut sent);
            let next = TraceContext::from_headers(&sent);
            assert_eq!(next.trace_id, context.trace_id);
            assert_eq!(next.parent.unwrap().get(), span.get());
            assert_eq!(next.sampled, context.sampled);
            let mut again = HeaderMap::new();
            next.inject(span, &mut again);
            assert_eq!(again, sent);
            assert!(
                sent[X_AMZN_TRACE_ID]
                    .to_str()
                    .unwrap()
                    .starts_with("Root=1-")
            );
        });
}

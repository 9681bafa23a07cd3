//! The path of a rally, whatever a caller sends as one: it is read as `serde_json` reads it, or refused.

use bolero::TypeGenerator;

use super::Strings;

/// A piece of JSON, or of what is nearly JSON.
#[derive(Clone, Debug, TypeGenerator)]
enum Piece {
    Open,
    Close,
    Comma,
    Space,
    Name(u8),
    Text(String),
    Escape(u16),
    Number(i64),
    Null,
    Bytes(Vec<u8>),
}

impl Piece {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Open => b"[".to_vec(),
            Self::Close => b"]".to_vec(),
            Self::Comma => b",".to_vec(),
            Self::Space => b" \n".to_vec(),
            Self::Name(number) => format!("\"node-{number}\"").into_bytes(),
            Self::Text(text) => serde_json::to_vec(text).unwrap_or_default(),
            Self::Escape(unit) => format!("\"\\u{unit:04x}\"").into_bytes(),
            Self::Number(number) => number.to_string().into_bytes(),
            Self::Null => b"null".to_vec(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }
}

/// Whether it stands in an array as it is, or takes its place.
#[derive(Clone, Debug, TypeGenerator)]
enum Body {
    Array(Vec<Piece>),
    Anything(Vec<Piece>),
}

#[test]
fn path_of_a_rally() {
    bolero::check!().with_type::<Body>().for_each(|body| {
        let bytes: Vec<u8> = match body {
            Body::Array(pieces) => {
                let items: Vec<_> = pieces.iter().map(Piece::bytes).collect();
                [b"[", &*items.join(&b','), b"]"].concat()
            }
            Body::Anything(pieces) => pieces.iter().flat_map(Piece::bytes).collect(),
        };
        let mut seen = Vec::new();
        let read = Strings::parse(&bytes, |name| seen.push(name.to_owned()));
        let expected = serde_json::from_slice::<Vec<String>>(&bytes);
        assert_eq!(read.is_ok(), expected.is_ok(), "{bytes:?}");
        let (Ok(mut read), Ok(mut expected)) = (read, expected) else {
            return;
        };
        assert_eq!((read.len(), &seen), (expected.len(), &expected));
        assert_eq!(read.to_vec(), expected);
        read.put_first("\"john\"");
        expected.insert(0, "john".to_owned());
        assert_eq!(read.to_vec(), expected);
        read.extend(&Strings::from(&seen[..]));
        expected.extend(seen);
        assert_eq!(read.to_vec(), expected);
        assert_eq!(read.len(), expected.len());
    });
}

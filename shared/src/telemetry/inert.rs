//! Log lines that mislead nobody. What strangers and vendors write is quoted in them; JSON escapes line ends and quotation
//! marks, and here the characters are escaped that JSON leaves as they are and that a terminal or a browser obeys: more
//! controls (some terminals take U+009B for an escape), marks that turn the direction of writing, and what cannot be seen.

use std::fmt::Write as _;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// Writes lines through another writer, with such characters as `\u202e`.
pub(super) struct Inert<W>(pub(super) W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Inert<W> {
    type Writer = InertWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        InertWriter(self.0.make_writer())
    }
}

/// One line's writer.
pub(super) struct InertWriter<W>(W);

impl<W: Write> Write for InertWriter<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Nearly all lines.
        if line.iter().all(|byte| byte.is_ascii() && *byte != 0x7f) {
            self.0.write_all(line)?;
            return Ok(line.len());
        }
        let mut written = String::with_capacity(line.len() + 16);
        for c in String::from_utf8_lossy(line).chars() {
            if is_misleading(c) {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a string cannot fail.
                    let _ = write!(written, "\\u{unit:04x}");
                }
            } else {
                written.push(c);
            }
        }
        self.0.write_all(written.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Controls that JSON does not escape, separators of lines, bidi and invisible characters, and tags.
const fn is_misleading(c: char) -> bool {
    matches!(
        c,
        '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("a lock").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The line that says this, and what it says read again.
    fn said(text: &str) -> (String, Value) {
        let kept = Kept::default();
        let writer = kept.clone();
        tracing::subscriber::with_default(crate::telemetry::logs("info", move || writer.clone()), || {
            tracing::info!(text, error = %text, "{text}");
        });
        let written = String::from_utf8(kept.0.lock().expect("a lock").clone()).expect("text");
        let read = serde_json::from_str(&written).expect("JSON");
        (written, read)
    }

    #[test]
    fn what_is_written_to_mislead_a_log_stays_one_line_and_is_read_again_unchanged() {
        for text in [
            "a\nINFO all is well",
            "\r\n{\"level\":\"INFO\"}",
            "\u{1b}[2J\u{1b}]0;title\u{7}",
            "\u{9b}31m",
            "x\", \"level\": \"ERROR",
            "\u{202e}txet",
            "a\u{2028}b\u{2029}c\u{85}d",
            "\u{e0041}",
        ] {
            let (line, read) = said(text);
            assert!(
                line.ends_with('\n')
                    && !line.trim_end_matches('\n').chars().any(|c| c.is_control() || is_misleading(c))
            );
            assert_eq!((&read["text"], &read["level"]), (&Value::from(text), &Value::from("INFO")), "{line}");
        }
    }

    #[test]
    fn libraries_write_no_requests_into_the_log_at_any_level() {
        let kept = Kept::default();
        let writer = kept.clone();
        tracing::subscriber::with_default(crate::telemetry::logs("trace", move || writer.clone()), || {
            tracing::debug!(request = "ada@example.com", "sent");
            tracing::trace!(request = "ada@example.com", "sent");
        });
        assert!(kept.0.lock().expect("a lock").is_empty());
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_one_line_of_json(text in "(?s:.{0,60})") {
            let (line, read) = said(&text);
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert!(!line.trim_end_matches('\n').chars().any(|c| c.is_control() || is_misleading(c)));
            prop_assert_eq!(&read["text"], &Value::from(text.as_str()));
        }
    }
}

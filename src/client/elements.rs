//! Elements of an input as people and programs write them: one JSON object, an array, or one object a line. Read as a
//! stream, so that a million of them need no memory in proportion, and refused with line, element, field and value.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::text::escape;

/// Characters of a value that are shown when it is refused.
const SHOWN_CHARS: usize = 40;

/// How an input is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One object.
    One,
    /// An array of objects.
    Array,
    /// Objects one after the other, one a line.
    Lines,
}

/// Where an element stands in its input, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line in which it begins.
    pub line: u64,
    /// How many elements there are up to it.
    pub element: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, element {}", self.line, self.element)
    }
}

/// Why an input is refused: nothing of it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// The line, from 1.
    pub line: u64,
    /// The element, from 1, where there is one.
    pub element: Option<u64>,
    /// What was expected and what was found, with the field.
    pub reason: String,
}

impl InputError {
    pub(super) fn new(line: u64, element: Option<u64>, reason: impl Into<String>) -> InputError {
        InputError { line, element, reason: reason.into() }
    }

    /// For a visitor that wants no more.
    pub fn stopped() -> InputError {
        InputError::new(0, None, "stopped")
    }

    fn of_json(error: &serde_json::Error, element: u64) -> InputError {
        // serde_json ends its sentences with the place, which is said in front already.
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = text.strip_suffix(&place).unwrap_or(&text);
        InputError::new(error.line() as u64, Some(element), reason)
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.element {
            Some(element) => write!(f, "{}: {}", Place { line: self.line, element }, self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}

impl std::error::Error for InputError {}

/// What takes the elements; an error ends the reading and is what the reading ends with.
pub(super) type Visit<'a, E> = dyn FnMut(Place, E) -> Result<(), InputError> + 'a;

/// The fields of one element, each checked where it stands, so that an error carries its line.
pub(super) trait Fields {
    /// What comes of them.
    type Element;
    /// What an element is called in a refusal, such as "an order".
    const NAME: &'static str;

    /// The names of fields that there are.
    fn names(&self) -> &[&'static str];

    /// Takes the value of a field with one of these names.
    ///
    /// # Errors
    /// Field, what was expected, and what was found.
    fn set(&mut self, name: &str, value: &Value) -> Result<(), String>;

    /// The element, if it is whole.
    ///
    /// # Errors
    /// Which field is missing, or does not go with another.
    fn finish(self) -> Result<Self::Element, String>;
}

/// A value as it is quoted in a refusal: short, and harmless for a terminal.
pub(super) fn shown(value: impl ToString) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(SHOWN_CHARS).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", escape(&cut))
}

pub(super) fn expected(name: &str, what: &str, found: &Value) -> String {
    format!("field {name}: expected {what}, found {}", shown(found))
}

/// Reads all elements of an input, in order. `new` makes the fields of the next one.
///
/// # Errors
/// [`InputError`] for the first thing that is wrong, or what the visitor says.
pub(super) fn read_elements<F: Fields>(
    input: impl Read,
    new: &dyn Fn() -> F,
    visit: &mut Visit<'_, F::Element>,
) -> Result<Form, InputError> {
    let input = without_mark(input).map_err(|reason| InputError::new(1, None, reason))?;
    let (line, blank) = (Cell::new(1), Cell::new(true));
    let mut deserializer =
        serde_json::Deserializer::from_reader(Counted { input, line: &line, blank: &blank });
    let mut reader = Reader { new, visit, line: &line, element: 1, stopped: None };
    let read = reader.all(&mut deserializer);
    let (element, stopped) = (reader.element, reader.stopped.take());
    match (stopped, read) {
        (Some(error), _) => Err(error),
        (None, Ok(Form::Array)) if element == 1 => Err(InputError::new(1, None, "the array is empty")),
        (None, Ok(form)) => Ok(form),
        (None, Err(_)) if blank.get() => Err(InputError::new(line.get(), None, "the input is empty")),
        (None, Err(error)) => Err(InputError::of_json(&error, element)),
    }
}

/// Reads the element of one line; none if the line is blank.
///
/// # Errors
/// [`InputError`], with the line's number.
pub(super) fn read_line<F: Fields>(
    line: &str,
    number: u64,
    fields: F,
) -> Result<Option<F::Element>, InputError> {
    let line = if number == 1 { line.trim_start_matches('\u{feff}') } else { line };
    if line.trim().is_empty() {
        return Ok(None);
    }
    if let Some(encoding) = other_encoding(line.as_bytes()).or(line.contains('\0').then_some("UTF-16")) {
        return Err(InputError::new(number, Some(number), not_utf8(encoding)));
    }
    let mut deserializer = serde_json::Deserializer::from_str(line);
    let parsed = One { fields, line: &Cell::new(number) }.deserialize(&mut deserializer);
    let parsed = parsed.and_then(|(_, element)| deserializer.end().map(|()| element));
    parsed.map(Some).map_err(|error| InputError { line: number, ..InputError::of_json(&error, number) })
}

/// The input behind a byte order mark of UTF-8, if there is one.
///
/// # Errors
/// Names what the input is instead of text in UTF-8.
pub(super) fn without_mark(mut input: impl Read) -> Result<impl Read, String> {
    let mut head = Vec::new();
    input.by_ref().take(4).read_to_end(&mut head).map_err(|error| error.to_string())?;
    if let Some(encoding) = other_encoding(&head) {
        return Err(not_utf8(encoding));
    }
    let marked = head.starts_with(b"\xef\xbb\xbf");
    Ok(io::Cursor::new(head.split_off(if marked { 3 } else { 0 })).chain(input))
}

fn not_utf8(encoding: &str) -> String {
    format!("the input is {encoding}; save it as UTF-8")
}

/// What the first bytes of an input say, where they are those of something else than text in UTF-8.
fn other_encoding(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32 with a byte order mark"),
        [0xff, 0xfe, ..] => Some("UTF-16 with a byte order mark (little-endian)"),
        [0xfe, 0xff, ..] => Some("UTF-16 with a byte order mark (big-endian)"),
        [1..=0x7f, 0, 0, 0, ..] | [0, 0, 0, 1..=0x7f, ..] => Some("UTF-32"),
        [1..=0x7f, 0, ..] => Some("UTF-16 (little-endian)"),
        [0, 1..=0x7f, ..] => Some("UTF-16 (big-endian)"),
        [0x1f, 0x8b, ..] => Some("compressed (gzip)"),
        [b'P', b'K', 3, 4, ..] => Some("a ZIP archive, as the workbook of a spreadsheet is one"),
        _ => None,
    }
}

/// Counts the lines of what was read. The reader of JSON takes byte for byte and no byte too many.
struct Counted<'a, R> {
    input: R,
    line: &'a Cell<u64>,
    /// Whether it was white space alone.
    blank: &'a Cell<bool>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        for byte in buffer.iter().take(count) {
            if *byte == b'\n' {
                self.line.set(self.line.get() + 1);
            } else if self.blank.get() && !byte.is_ascii_whitespace() {
                self.blank.set(false);
            }
        }
        Ok(count)
    }
}

struct Reader<'a, 'b, F: Fields> {
    new: &'a dyn Fn() -> F,
    visit: &'a mut Visit<'b, F::Element>,
    line: &'a Cell<u64>,
    /// The number of the next element.
    element: u64,
    stopped: Option<InputError>,
}

impl<F: Fields> Reader<'_, '_, F> {
    fn all<'de, R: serde_json::de::Read<'de>>(
        &mut self,
        deserializer: &mut serde_json::Deserializer<R>,
    ) -> Result<Form, serde_json::Error> {
        let form = deserializer.deserialize_any(Whole { reader: self })?;
        if form == Form::Array {
            deserializer.end()?;
            return Ok(Form::Array);
        }
        // The end of the input is the end of the elements only between two of them.
        while deserializer.end().is_err() {
            let (line, element) = self.next().deserialize(&mut *deserializer)?;
            self.take(line, element).map_err(de::Error::custom)?;
        }
        Ok(if self.element == 2 { Form::One } else { Form::Lines })
    }

    fn next(&self) -> One<'_, F> {
        One { fields: (self.new)(), line: self.line }
    }

    fn take(&mut self, line: u64, element: F::Element) -> Result<(), &'static str> {
        if let Err(error) = (self.visit)(Place { line, element: self.element }, element) {
            self.stopped = Some(error);
            return Err("stopped");
        }
        self.element += 1;
        Ok(())
    }
}

/// The whole input: an array, or the first of several objects.
struct Whole<'r, 'a, 'b, F: Fields> {
    reader: &'r mut Reader<'a, 'b, F>,
}

impl<'de, F: Fields> Visitor<'de> for Whole<'_, '_, '_, F> {
    type Value = Form;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object or an array of objects")
    }

    /// The elements of an array, each handed on as soon as it is read.
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Form, A::Error> {
        while let Some((line, element)) = elements.next_element_seed(self.reader.next())? {
            self.reader.take(line, element).map_err(de::Error::custom)?;
        }
        Ok(Form::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Form, A::Error> {
        let (line, element) = self.reader.next().visit_map(map)?;
        self.reader.take(line, element).map_err(de::Error::custom)?;
        Ok(Form::One)
    }
}

/// One object, and the line in which it begins.
struct One<'a, F> {
    fields: F,
    line: &'a Cell<u64>,
}

impl<'de, F: Fields> DeserializeSeed<'de> for One<'_, F> {
    type Value = (u64, F::Element);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: Fields> Visitor<'de> for One<'_, F> {
    type Value = (u64, F::Element);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the fields of {}", F::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut fields, line) = (self.fields, self.line.get());
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if !fields.names().contains(&name.as_str()) {
                let known = fields.names().join(", ");
                let text = format!("field {}: unknown; there are {known}", shown(&name));
                return Err(de::Error::custom(text));
            }
            if seen.contains(&name) {
                return Err(de::Error::custom(format!("field {name}: stands twice")));
            }
            let value: Value = map.next_value()?;
            fields.set(&name, &value).map_err(de::Error::custom)?;
            seen.push(name);
        }
        fields.finish().map(|element| (line, element)).map_err(de::Error::custom)
    }
}

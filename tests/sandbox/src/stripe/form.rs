//! Stripe's request bodies and queries: form encoding with brackets for what is nested.

/// The parameters of a request, sorted by name, so that two forms are equal when they say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads a form. The error is the name that is not of the form `name` or `name[part][part]`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut pairs: Vec<(String, String)> =
            form_urlencoded::parse(bytes).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !is_name(name)) {
            return Err(name.clone());
        }
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self { pairs })
    }

    /// The value of a plain parameter; the last one wins. An empty value counts as absent, as it unsets a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.pairs.iter().rev().find(|(n, _)| n == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// The parts of a nested parameter: of `metadata[order]=o-1` the part `order` and the value `o-1`.
    pub(crate) fn parts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs.iter().filter_map(move |(n, value)| {
            let part = n.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            Some((part, value.as_str()))
        })
    }

    /// One part of a nested parameter.
    pub(crate) fn part<'a>(&'a self, name: &'a str, part: &str) -> Option<&'a str> {
        self.parts(name).find(|(p, _)| *p == part).map(|(_, value)| value)
    }

    /// Whether a plain parameter is there and empty: the caller wants it unset.
    pub(crate) fn unsets(&self, name: &str) -> bool {
        self.pairs.iter().rev().find(|(n, _)| n == name).is_some_and(|(_, value)| value.is_empty())
    }

    /// The first parameter, by its name without brackets, that is neither in the list nor the other one.
    pub(crate) fn first_unknown(&self, known: &[&str], other: &str) -> Option<&str> {
        let mut heads = self.pairs.iter().map(|(name, _)| name.split('[').next().unwrap_or(name));
        heads.find(|name| !known.contains(name) && *name != other)
    }
}

fn is_name(name: &str) -> bool {
    let (head, parts) = name.split_at(name.find('[').unwrap_or(name.len()));
    let closed = parts.is_empty() || (parts.ends_with(']') && parts[1..parts.len() - 1].split("][").all(is_part));
    !head.is_empty() && !head.contains(']') && closed
}

fn is_part(part: &str) -> bool {
    !part.contains(['[', ']'])
}

//! Input whose signature was checked is another type than input whose was not.

/// Bytes that their vendor has signed. Only this folder's verifiers can make one, so a receiver that forgets to
/// verify does not compile.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    pub(in crate::vendors) const fn vouch(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// A look at the value.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

impl<T> std::fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verified([private])")
    }
}

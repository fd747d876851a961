//! Later.
/// Later.
/// # Errors
/// Later.
pub fn run(_: &crate::installed::Workspace, _: u32, _: tokio::runtime::Runtime) -> anyhow::Result<()> {
    Ok(())
}

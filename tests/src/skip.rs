//! The third outcome of a test beside passed and failed: it could not run here.

/// Says that a test cannot run on this machine, and why; the test returns then. `cargo xtask test` counts it as skipped,
/// and prints the reason at its end.
///
/// # Panics
/// Where `NOSTRP2P_NO_SKIP=1`, which `cargo xtask ci` sets: a machine of CI can run it.
pub fn skip(reason: &str) {
    let allowed = std::env::var("NOSTRP2P_NO_SKIP").as_deref() != Ok("1");
    assert!(allowed, "skipped, which NOSTRP2P_NO_SKIP=1 forbids: {reason}");
    skip_optional(reason);
}

/// As [`skip`], for what needs a program that nothing installs by itself: it may be skipped everywhere.
#[expect(clippy::print_stdout, reason = "cargo xtask reads this line in the result of the test")]
pub fn skip_optional(reason: &str) {
    println!("skipped: {reason}");
}

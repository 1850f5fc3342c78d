//! A script that Termux:Boot runs when the phone starts.

use super::{ServicePaths, ServicePlan};

pub(super) fn plan(paths: &ServicePaths) -> ServicePlan {
    let command: Vec<String> = paths.command().map(|word| quoted(&word)).collect();
    let content = format!(
        "#!/data/data/com.termux/files/usr/bin/sh\n\
         # Written by `nostrp2p service install`; `nostrp2p service uninstall` takes it away.\n\
         termux-wake-lock\n\
         exec {}\n",
        command.join(" ")
    );
    ServicePlan {
        file: paths.home.join(".termux/boot/nostrp2p"),
        content: content.into_bytes(),
        executable: true,
        start: Vec::new(),
        stop: Vec::new(),
        is_running: None,
        advice: "The node starts with the phone, once the app Termux:Boot is installed and was opened; until then run\n\
                 `termux-wake-lock` and `nostrp2p server`. Exclude Termux from battery optimisation.",
    }
}

/// One word of a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

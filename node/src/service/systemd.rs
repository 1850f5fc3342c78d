//! A unit of the user's own systemd.

use super::{ServicePaths, ServicePlan, words};

const UNIT: &str = "nostrp2p.service";

pub(super) fn plan(paths: &ServicePaths) -> ServicePlan {
    let command: Vec<String> = paths.command().map(|word| quoted(&word)).collect();
    let content = format!(
        "# Written by `nostrp2p service install`; `nostrp2p service uninstall` takes it away.\n\n\
         [Unit]\n\
         Description=nostrp2p node\n\n\
         [Service]\n\
         Type=exec\n\
         ExecStart={}\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         # 2 is a wrong flag or settings file: trying again does not mend it.\n\
         RestartPreventExitStatus=2\n\
         TimeoutStopSec=30\n\
         NoNewPrivileges=yes\n\n\
         [Install]\n\
         WantedBy=default.target\n",
        command.join(" ")
    );
    ServicePlan {
        file: paths.home.join(".config/systemd/user").join(UNIT),
        content: content.into_bytes(),
        executable: false,
        start: vec![
            words(&["systemctl", "--user", "daemon-reload"]),
            words(&["systemctl", "--user", "enable", "--now", UNIT]),
        ],
        stop: vec![words(&["systemctl", "--user", "disable", "--now", UNIT])],
        is_running: Some(words(&["systemctl", "--user", "--quiet", "is-active", UNIT])),
        advice: "The node runs now, and whenever you are logged in; `loginctl enable-linger` lets it run always.\n\
                 `journalctl --user --unit nostrp2p` shows what it says, `nostrp2p owner claim-link` the claim link.",
    }
}

/// One word of a command: `%` and `$` have a meaning of their own.
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

//! A launch agent of macOS.

use super::{ServicePaths, ServicePlan, words, xml};

const LABEL: &str = "nostrp2p";

pub(super) fn plan(paths: &ServicePaths) -> ServicePlan {
    let command: String =
        paths.command().map(|word| format!("    <string>{}</string>\n", xml(&word))).collect();
    let log = paths.home.join("Library/Logs/nostrp2p.log").display().to_string();
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!-- Written by `nostrp2p service install`; `nostrp2p service uninstall` takes it away. -->\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         \x20 <key>Label</key><string>{LABEL}</string>\n\
         \x20 <key>ProgramArguments</key>\n  <array>\n{command}  </array>\n\
         \x20 <key>RunAtLoad</key><true/>\n\
         \x20 <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>\n\
         \x20 <key>StandardOutPath</key><string>{log}</string>\n\
         \x20 <key>StandardErrorPath</key><string>{log}</string>\n\
         </dict>\n</plist>\n",
        log = xml(&log)
    );
    let file = paths.home.join("Library/LaunchAgents/nostrp2p.plist");
    let (session, path) = (format!("gui/{}", paths.user), file.display().to_string());
    let service = format!("{session}/{LABEL}");
    ServicePlan {
        file,
        content: content.into_bytes(),
        executable: false,
        start: vec![words(&["launchctl", "bootstrap", &session, &path])],
        stop: vec![words(&["launchctl", "bootout", &service])],
        is_running: Some(words(&["launchctl", "print", &service])),
        advice: "The node runs now, and starts with your session; Library/Logs/nostrp2p.log holds what it says.\n\
                 `nostrp2p owner claim-link` shows the claim link.",
    }
}

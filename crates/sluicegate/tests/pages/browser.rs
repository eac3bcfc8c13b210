//! What a person does with a browser, and what they see in it.

use serde_json::{Value, json};

use crate::chromium::Chromium;

/// A person at a browser. They press and type; nothing is done to a page behind its back.
pub(crate) struct Browser {
    chromium: Chromium,
}

/// Whether the browser runs scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    /// As browsers are delivered.
    Run,
    /// As careful people set them.
    Off,
}

/// How the person sees: the size of their window and the colours that they like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) scheme: &'static str,
}

/// A phone and a desk, by day and by night.
pub(crate) const VIEWS: [View; 4] = [
    View { width: 360, height: 740, scheme: "light" },
    View { width: 360, height: 740, scheme: "dark" },
    View { width: 1280, height: 800, scheme: "light" },
    View { width: 1280, height: 800, scheme: "dark" },
];

impl Browser {
    /// A fresh browser.
    pub(crate) fn new(scripts: Scripts) -> Self {
        let mut chromium = Chromium::start();
        let off = json!({"value": scripts == Scripts::Off});
        chromium.call("Emulation.setScriptExecutionDisabled", &off);
        let mut browser = Self { chromium };
        browser.look(VIEWS[2]);
        browser
    }

    /// Sets how the person sees.
    pub(crate) fn look(&mut self, view: View) {
        let size = json!({"width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": view.width < 600});
        self.chromium.call("Emulation.setDeviceMetricsOverride", &size);
        // Without motion colours change at once, and are not measured half way.
        let colours = json!({"name": "prefers-color-scheme", "value": view.scheme});
        let still = json!({"name": "prefers-reduced-motion", "value": "reduce"});
        self.chromium.call("Emulation.setEmulatedMedia", &json!({"features": [colours, still]}));
    }

    /// Opens an address and waits until the last page of its redirects is there.
    pub(crate) fn open(&mut self, address: &str) {
        self.until_loaded(|browser| {
            browser.chromium.call("Page.navigate", &json!({"url": address}));
        });
    }

    /// Does something and waits until the page that it leads to is there.
    pub(crate) fn until_loaded(&mut self, act: impl FnOnce(&mut Self)) {
        let before = self.chromium.events_so_far();
        act(self);
        let arrived = self.chromium.event_after(before, |event| {
            event["method"] == "Page.frameNavigated" && event["params"]["frame"]["parentId"].is_null()
        });
        self.chromium.event_after(arrived, |event| event["method"] == "Page.loadEventFired");
    }

    /// Does something and waits until the browser asks for an address that begins so; answers the address.
    pub(crate) fn until_asked_for(&mut self, beginning: &str, act: impl FnOnce(&mut Self)) -> String {
        let address = |event: &Value| -> Option<String> {
            let (method, parameters) = (event["method"].as_str()?, &event["params"]);
            let address = match method {
                "Network.requestWillBeSent" => &parameters["request"]["url"],
                "Page.frameRequestedNavigation" => &parameters["url"],
                _ => return None,
            };
            address.as_str().filter(|address| address.starts_with(beginning)).map(str::to_owned)
        };
        let before = self.chromium.events_so_far();
        act(self);
        let at = self.chromium.event_after(before, |event| address(event).is_some());
        address(self.chromium.event(at)).unwrap()
    }

    /// Does something that opens another window, and goes on in it; answers what leads back.
    pub(crate) fn go_on_in_new_window(&mut self, act: impl FnOnce(&mut Self)) -> Option<String> {
        let before = self.chromium.windows();
        act(self);
        let mut fresh = (0..10_000)
            .find_map(|_| self.chromium.windows().into_iter().find(|window| !before.contains(window)));
        let window = fresh.take().unwrap_or_else(|| panic!("no window was opened by:\n{}", self.text()));
        self.chromium.attach(&window)
    }

    /// Goes back to the window before.
    pub(crate) fn back_to_window(&mut self, window: Option<String>) {
        self.chromium.resume(window);
    }

    /// Waits until the page has something of this kind; for what no event tells.
    pub(crate) fn until_there_is(&mut self, selector: &str) {
        let asked = json!({"expression": format!("document.querySelector({selector:?}) !== null"), "returnByValue": true});
        // Between two pages there is none to ask.
        let is_there =
            |answer: Result<Value, Value>| answer.is_ok_and(|answer| answer["result"]["value"] == true);
        let found = (0..10_000).any(|_| is_there(self.chromium.try_call("Runtime.evaluate", &asked)));
        assert!(found, "there is no {selector} on this page:\n{}", self.text());
    }

    /// Waits until the browser writes a line of this kind for developers.
    pub(crate) fn until_told(&mut self, part: &str, act: impl FnOnce(&mut Self)) {
        let before = self.chromium.events_so_far();
        act(self);
        self.chromium.event_after(before, |event| {
            event["method"] == "Log.entryAdded"
                && event["params"]["entry"]["text"].as_str().is_some_and(|text| text.contains(part))
        });
    }

    /// What an expression is in the page. This is how the test looks; the page itself may run no script.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.chromium.call("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression:.200}: {answer}");
        answer["result"]["value"].take()
    }

    /// What an expression is in the page, as text.
    pub(crate) fn text_of(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}")).to_owned()
    }

    /// The address in the bar.
    pub(crate) fn address(&mut self) -> String {
        self.text_of("location.href")
    }

    /// What can be read on the page.
    pub(crate) fn text(&mut self) -> String {
        self.text_of("document.body.innerText")
    }

    /// Whether the page has something of this kind.
    pub(crate) fn has(&mut self, selector: &str) -> bool {
        self.value(&format!("document.querySelector({selector:?}) !== null")) == true
    }

    /// Presses something with the mouse.
    pub(crate) fn press(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); if (!it) return null; \
             it.scrollIntoView({{block: 'center'}}); const box = it.getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        assert!(place.is_array(), "there is no {selector} on this page:\n{}", self.text());
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.chromium.call("Input.dispatchMouseEvent", &event);
        }
    }

    /// Presses something and waits for the page that it leads to.
    pub(crate) fn follow(&mut self, selector: &str) {
        self.until_loaded(|browser| browser.press(selector));
    }

    /// Types into what has the focus.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.chromium.call("Input.insertText", &json!({"text": text}));
    }

    /// Presses a field, and types into it in place of what is there.
    pub(crate) fn fill(&mut self, selector: &str, text: &str) {
        self.press(selector);
        let select_all =
            json!({"type": "keyDown", "key": "a", "code": "KeyA", "modifiers": 2, "commands": ["selectAll"]});
        self.chromium.call("Input.dispatchKeyEvent", &select_all);
        self.type_text(text);
    }

    /// Presses a key: `Tab`, `Enter` or `Space`.
    pub(crate) fn key(&mut self, name: &str) {
        let (key, number, text) = match name {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            "Space" => (" ", 32, " "),
            other => panic!("the test does not know the key {other}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({"type": kind, "key": key, "code": name, "windowsVirtualKeyCode": number, "text": text});
            self.chromium.call("Input.dispatchKeyEvent", &event);
        }
    }

    /// Signs in on the page that asks for it.
    pub(crate) fn sign_in(&mut self, name: &str, password: &str) {
        self.fill("#username", name);
        self.fill("#password", password);
        self.follow("#login-submit");
    }

    /// Every address that the browser has asked for.
    pub(crate) fn asked_for(&self) -> Vec<String> {
        let requests = self.chromium.events("Network.requestWillBeSent");
        requests.filter_map(|request| Some(request["request"]["url"].as_str()?.to_owned())).collect()
    }

    /// What the browser wrote for developers about security: policies that were violated.
    pub(crate) fn violations(&self) -> Vec<String> {
        let entries = self.chromium.events("Log.entryAdded").map(|event| &event["entry"]);
        let security = entries.filter(|entry| entry["source"] == "security");
        security.map(|entry| format!("{} {}", entry["text"], entry["url"])).collect()
    }

    /// The frames in the page, each with whether its address could not be shown.
    pub(crate) fn frames(&mut self) -> Vec<(String, bool)> {
        let tree = self.chromium.call("Page.getFrameTree", &json!({}));
        let children = tree["frameTree"]["childFrames"].as_array().cloned().unwrap_or_default();
        let one = |child: Value| {
            let frame = &child["frame"];
            (frame["url"].as_str().unwrap().to_owned(), frame["unreachableUrl"].is_string())
        };
        children.into_iter().map(one).collect()
    }

    /// The whole page as a PNG in Base64.
    pub(crate) fn picture(&mut self) -> String {
        let shot = self.chromium.call("Page.captureScreenshot", &json!({"captureBeyondViewport": true}));
        shot["data"].as_str().unwrap().to_owned()
    }
}

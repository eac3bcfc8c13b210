//! The actions of a person at a browser, and what they see.

use serde_json::{Value, json};

use crate::chromium::Chromium;

/// A person at a browser. They press and type; the page is never manipulated directly.
pub(crate) struct Browser {
    chromium: Chromium,
}

/// Whether the browser runs scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    /// The default of browsers.
    Run,
    /// The choice of careful people.
    Off,
}

/// The size of the window and the preferred colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) scheme: &'static str,
}

/// The maximum height of a picture, in pixels.
const LONGEST_PICTURE: usize = 8_000;

/// A phone and a desktop, each in light and dark mode.
pub(crate) const VIEWS: [View; 4] = [
    View { width: 360, height: 740, scheme: "light" },
    View { width: 360, height: 740, scheme: "dark" },
    View { width: 1280, height: 800, scheme: "light" },
    View { width: 1280, height: 800, scheme: "dark" },
];

impl Browser {
    /// Starts a new browser.
    pub(crate) fn new(scripts: Scripts) -> Self {
        let mut browser = Self { chromium: Chromium::start() };
        browser.run_scripts(scripts);
        browser.view(VIEWS[2]);
        browser
    }

    /// Whether the pages that are opened from now on run their scripts.
    pub(crate) fn run_scripts(&mut self, scripts: Scripts) {
        let off = json!({"value": scripts == Scripts::Off});
        self.chromium.call("Emulation.setScriptExecutionDisabled", &off);
    }

    /// Sets the view.
    pub(crate) fn view(&mut self, view: View) {
        let size = json!({"width": view.width, "height": view.height, "deviceScaleFactor": 1, "mobile": view.width < 600});
        self.chromium.call("Emulation.setDeviceMetricsOverride", &size);
        // Without animations colours change at once, so they are not measured half way.
        let colours = json!({"name": "prefers-color-scheme", "value": view.scheme});
        let still = json!({"name": "prefers-reduced-motion", "value": "reduce"});
        self.chromium.call("Emulation.setEmulatedMedia", &json!({"features": [colours, still]}));
    }

    /// Opens an address and waits for the last page of its redirects.
    pub(crate) fn open(&mut self, address: &str) {
        self.until_loaded(|browser| {
            browser.chromium.call("Page.navigate", &json!({"url": address}));
        });
    }

    /// Performs an action and waits for the page to which it leads.
    pub(crate) fn until_loaded(&mut self, act: impl FnOnce(&mut Self)) {
        let before = self.chromium.events_so_far();
        act(self);
        let arrived = self.chromium.event_after(before, |event| {
            event["method"] == "Page.frameNavigated" && event["params"]["frame"]["parentId"].is_null()
        });
        self.chromium.event_after(arrived, |event| event["method"] == "Page.loadEventFired");
    }

    /// Performs an action and waits until the browser requests an address with this beginning; returns the
    /// address.
    pub(crate) fn until_requested(&mut self, beginning: &str, act: impl FnOnce(&mut Self)) -> String {
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

    /// Performs an action that opens another window, and continues there; returns the way back.
    pub(crate) fn go_on_in_new_window(&mut self, act: impl FnOnce(&mut Self)) -> Option<String> {
        let before = self.chromium.windows();
        act(self);
        let mut fresh = (0..10_000)
            .find_map(|_| self.chromium.windows().into_iter().find(|window| !before.contains(window)));
        let window = fresh.take().unwrap_or_else(|| panic!("no window was opened by:\n{}", self.text()));
        self.chromium.attach(&window)
    }

    /// Returns to the previous window.
    pub(crate) fn back_to_window(&mut self, window: Option<String>) {
        self.chromium.resume(window);
    }

    /// Waits until the page has such an element; for changes that no event announces.
    pub(crate) fn until_there_is(&mut self, selector: &str) {
        let parameters = json!({"expression": format!("document.querySelector({selector:?}) !== null"), "returnByValue": true});
        // Between two pages there is none to ask.
        let is_there =
            |answer: Result<Value, Value>| answer.is_ok_and(|answer| answer["result"]["value"] == true);
        let found = (0..10_000).any(|_| is_there(self.chromium.try_call("Runtime.evaluate", &parameters)));
        assert!(found, "there is no {selector} on this page:\n{}", self.text());
    }

    /// Waits until the browser writes such a line to its console.
    pub(crate) fn until_notified(&mut self, part: &str, act: impl FnOnce(&mut Self)) {
        let before = self.chromium.events_so_far();
        act(self);
        self.chromium.event_after(before, |event| {
            event["method"] == "Log.entryAdded"
                && event["params"]["entry"]["text"].as_str().is_some_and(|text| text.contains(part))
        });
    }

    /// Evaluates an expression in the page. Only the test does this; the page itself may run no script.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.chromium.call("Runtime.evaluate", &parameters);
        assert!(answer["exceptionDetails"].is_null(), "{expression:.200}: {answer}");
        answer["result"]["value"].take()
    }

    /// Evaluates an expression in the page, as text.
    pub(crate) fn text_of(&mut self, expression: &str) -> String {
        let value = self.value(expression);
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}")).to_owned()
    }

    /// The address in the address bar.
    pub(crate) fn address(&mut self) -> String {
        self.text_of("location.href")
    }

    /// The visible text of the page.
    pub(crate) fn text(&mut self) -> String {
        self.text_of("document.body.innerText")
    }

    /// Whether the page has such an element.
    pub(crate) fn has(&mut self, selector: &str) -> bool {
        self.value(&format!("document.querySelector({selector:?}) !== null")) == true
    }

    /// Presses an element with the mouse.
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

    /// Presses an element and waits for the page to which it leads.
    pub(crate) fn follow(&mut self, selector: &str) {
        self.until_loaded(|browser| browser.press(selector));
    }

    /// Types into the focused element.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.chromium.call("Input.insertText", &json!({"text": text}));
    }

    /// Presses a field and replaces its content.
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

    /// Signs in on the sign-in page.
    pub(crate) fn sign_in(&mut self, name: &str, password: &str) {
        self.fill("#username", name);
        self.fill("#password", password);
        self.follow("#login-submit");
    }

    /// Every address that the browser has requested.
    pub(crate) fn requested(&self) -> Vec<String> {
        let requests = self.chromium.events("Network.requestWillBeSent");
        requests.filter_map(|request| Some(request["request"]["url"].as_str()?.to_owned())).collect()
    }

    /// The parts of pages, such as styles, that were not loaded.
    pub(crate) fn failed_to_load(&self) -> Vec<String> {
        let received = self.chromium.events("Network.responseReceived");
        let parts = received.filter(|received| received["type"] != "Document");
        let refused =
            parts.map(|received| &received["response"]).filter(|response| response["status"] != 200);
        let refused = refused.map(|response| format!("{} {}", response["status"], response["url"]));
        let failed =
            self.chromium.events("Network.loadingFailed").filter(|failed| failed["type"] != "Document");
        refused.chain(failed.map(Value::to_string)).collect()
    }

    /// The violated security policies that the browser reported on its console.
    pub(crate) fn violations(&self) -> Vec<String> {
        let entries = self.chromium.events("Log.entryAdded").map(|event| &event["entry"]);
        let security = entries.filter(|entry| entry["source"] == "security");
        security.map(|entry| format!("{} {}", entry["text"], entry["url"])).collect()
    }

    /// The names of the cookies that the browser sends to an address.
    pub(crate) fn cookies_for(&mut self, address: &str) -> Vec<String> {
        let found = self.chromium.call("Network.getCookies", &json!({"urls": [address]}));
        let cookies = found["cookies"].as_array().into_iter().flatten();
        cookies.map(|cookie| cookie["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The frames in the page, each with whether its address was blocked.
    pub(crate) fn frames(&mut self) -> Vec<(String, bool)> {
        let tree = self.chromium.call("Page.getFrameTree", &json!({}));
        let children = tree["frameTree"]["childFrames"].as_array().cloned().unwrap_or_default();
        let one = |child: Value| {
            let frame = &child["frame"];
            (frame["url"].as_str().unwrap().to_owned(), frame["unreachableUrl"].is_string())
        };
        children.into_iter().map(one).collect()
    }

    /// A screenshot of what is in view as PNG in Base64.
    pub(crate) fn picture(&mut self) -> String {
        self.draw(&json!({}))
    }

    /// Screenshots of the whole page, one below the other: Chromium draws no picture that is much longer.
    pub(crate) fn pictures(&mut self) -> Vec<String> {
        let size =
            self.value("[document.documentElement.clientWidth, document.documentElement.scrollHeight]");
        let (width, height) = (size[0].as_u64().unwrap(), size[1].as_u64().unwrap());
        let parts = (0..height).step_by(LONGEST_PICTURE);
        parts
            .map(|top| {
                let part = json!({"x": 0, "y": top, "width": width, "scale": 1,
                    "height": (height - top).min(LONGEST_PICTURE as u64)});
                self.draw(&json!({"captureBeyondViewport": true, "clip": part}))
            })
            .collect()
    }

    fn draw(&mut self, how: &Value) -> String {
        let shot = self.chromium.call("Page.captureScreenshot", how);
        shot["data"].as_str().unwrap().to_owned()
    }
}

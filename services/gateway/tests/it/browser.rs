//! A browser, as far as the gateway can tell.

use std::collections::BTreeMap;

use reqwest::{
    Client, Method, RequestBuilder, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, SET_COOKIE, USER_AGENT},
    redirect::Policy,
};
use url::form_urlencoded;

pub(crate) const SESSION: &str = "packtchat.sid";
pub(crate) const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
pub(crate) const FIREFOX: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    port: u16,
    pub(crate) cookies: BTreeMap<String, String>,
    accept: &'static str,
    user_agent: &'static str,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Browser {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            client: Client::builder().redirect(Policy::none()).build().unwrap(),
            port,
            cookies: BTreeMap::new(),
            accept: HTML,
            user_agent: FIREFOX,
        }
    }

    /// A browser of another kind.
    pub(crate) fn that_is(mut self, user_agent: &'static str) -> Self {
        self.user_agent = user_agent;
        self
    }

    /// The same browser with its cookies, at another gateway.
    pub(crate) fn at(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// A caller that reads JSON.
    pub(crate) fn of_json(mut self) -> Self {
        self.accept = "application/json";
        self
    }

    pub(crate) fn with_session(mut self, cookie: &str) -> Self {
        self.cookies.insert(SESSION.to_owned(), cookie.to_owned());
        self
    }

    /// The value of the session cookie.
    pub(crate) fn session(&self) -> Option<String> {
        self.cookies.get(SESSION).cloned()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = self
            .client
            .request(method, format!("http://127.0.0.1:{}{path}", self.port))
            .header(ACCEPT, self.accept)
            .header(USER_AGENT, self.user_agent);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        request
    }

    pub(crate) async fn send(&mut self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        for cookie in headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                let value = rest.split(';').next().unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = response.bytes().await.unwrap().to_vec();
        Answer {
            status,
            headers,
            bytes,
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    /// Sends these fields as a form, and nothing else.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, FORM)
            .body(body);
        self.send(request).await
    }

    /// Opens the form at `path`, and sends it with these fields and the hidden ones.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let accept = std::mem::replace(&mut self.accept, HTML);
        let form = self.get(path).await;
        self.accept = accept;
        assert_eq!(form.status, StatusCode::OK, "{path} shows its form");
        let hidden = form.hidden_fields();
        let mut all: Vec<_> = hidden
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        all.extend(fields);
        let action = path.split('?').next().unwrap();
        self.post(action, &all).await
    }

    /// Sends one of the forms of the account page with these fields.
    pub(crate) async fn act(&mut self, action: &str, fields: &[(&str, &str)]) -> Answer {
        let accept = std::mem::replace(&mut self.accept, HTML);
        let csrf = self.get("/account").await.csrf();
        self.accept = accept;
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(fields);
        self.post(action, &all).await
    }

    /// Signs up and follows nothing.
    pub(crate) async fn register(&mut self, username: &str, password: &str) -> Answer {
        let fields = [("username", username), ("password", password)];
        self.submit("/account/register", &fields).await
    }

    pub(crate) async fn sign_in(&mut self, username: &str, password: &str) -> Answer {
        let fields = [("username", username), ("password", password)];
        self.submit("/account/login", &fields).await
    }

    /// Goes where a redirect leads.
    pub(crate) async fn follow(&mut self, answer: &Answer) -> Answer {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let location = answer.location().to_owned();
        self.get(&location).await
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }

    /// Is it a redirect to this address?
    pub(crate) fn leads_to(&self, location: &str) -> bool {
        self.status == StatusCode::SEE_OTHER && self.location() == location
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// The sentences of the flash messages.
    pub(crate) fn flashes(&self) -> Vec<String> {
        let text = self.text();
        text.split("<p class=\"flash ")
            .skip(1)
            .map(|part| {
                let (_, sentence) = part.split_once('>').unwrap();
                sentence.split("</p>").next().unwrap().to_owned()
            })
            .collect()
    }

    pub(crate) fn csrf(&self) -> String {
        let hidden = self.hidden_fields();
        let (_, csrf) = hidden.iter().find(|(name, _)| name == "csrf").unwrap();
        csrf.clone()
    }

    /// The names of the fields that the page says are wrong.
    pub(crate) fn wrong_fields(&self) -> Vec<String> {
        let text = self.text();
        text.split("<input ")
            .filter_map(|part| part.split_once('>').map(|(input, _)| input))
            .filter(|input| input.contains("aria-invalid=\"true\""))
            .map(|input| {
                let (_, described) = input.split_once("aria-describedby=\"").unwrap();
                let (ids, _) = described.split_once('"').unwrap();
                assert!(ids.split(' ').any(|id| id == "flash"), "{input}");
                assert!(text.contains("id=\"flash\""), "{text}");
                let (_, name) = input.split_once("name=\"").unwrap();
                name.split('"').next().unwrap().to_owned()
            })
            .collect()
    }

    fn hidden_fields(&self) -> Vec<(String, String)> {
        let text = self.text();
        text.split("<input type=\"hidden\" name=\"")
            .skip(1)
            .map(|part| {
                let (name, rest) = part.split_once("\" value=\"").unwrap();
                let value = rest.split('"').next().unwrap();
                (name.to_owned(), unescape(value))
            })
            .collect()
    }
}

fn unescape(text: &str) -> String {
    text.replace("&#38;", "&")
        .replace("&#34;", "\"")
        .replace("&#60;", "<")
}

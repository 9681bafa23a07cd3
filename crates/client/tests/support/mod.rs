//! A client on a free port, in this process.

use std::sync::Arc;

use chassis::metrics::Metrics;
use chassis::request::Observe;
use chassis::server::{self, Limits, Service};
use chassis::telemetry::Spans;
use clap::Parser;
use client::{Cli, SERVICE};
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A running client; it ends when this is dropped.
pub(crate) struct Client {
    pub(crate) url: String,
    _shutdown: oneshot::Sender<()>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Serves with these flags, beside what the defaults are.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let cli = Cli::parse_from([&["client"], flags].concat());
        let observe = Observe::new(
            SERVICE.into(),
            Arc::new(Metrics::new(SERVICE, "test")),
            Spans::off(),
        );
        let app = client::app(&cli.config, observe);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (shutdown, stopped) = oneshot::channel::<()>();
        let limits = Limits::from(&cli.config.settings);
        tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            server::serve(listener, Service::new(app), limits, stopped).await
        });
        Self {
            url,
            _shutdown: shutdown,
        }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.request(Method::GET, path, headers).await
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = http.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    /// The paths of all assets that the page names.
    pub(crate) async fn assets(&self) -> Vec<String> {
        let page = self.get("/", &[]).await.text();
        let named = page.split('"').filter(|part| part.starts_with("/assets/"));
        named.map(str::to_owned).collect()
    }
}

impl Answer {
    async fn read(response: Response) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

//! Spans, exported by OpenTelemetry's own SDK; free when no endpoint is configured.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId as OtelSpanId, SpanKind, Status, TraceContextExt, TraceFlags,
    TraceId as OtelTraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracer, SdkTracerProvider};

use crate::trace::{SpanId, TraceContext};

/// The default of `OTEL_EXPORTER_OTLP_TIMEOUT`.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last spans may take: with drain and grace it must fit into the stop timeout.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts spans, or does nothing.
#[derive(Clone, Debug, Default)]
pub struct Spans(Option<(SdkTracerProvider, SdkTracer)>);

/// One operation; ends when dropped.
#[derive(Debug)]
pub struct Span(Option<opentelemetry_sdk::trace::Span>);

/// The value of a fact about an operation.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// Words.
    Text(&'a str),
    /// A whole number.
    Number(i64),
}

impl<'a> From<&'a str> for Fact<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Fact<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl Spans {
    /// Records nothing.
    #[must_use]
    pub fn off() -> Self {
        Self(None)
    }

    /// Exports to `endpoint` as `service`, unless `OTEL_SERVICE_NAME` names it otherwise.
    pub(super) fn export(endpoint: &reqwest::Url, service: &str) -> Result<Self, String> {
        let base = endpoint.as_str().trim_end_matches('/');
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(OtlpClient::new().map_err(|error| error.to_string())?)
            .with_endpoint(format!("{base}/v1/traces"))
            .build()
            .map_err(|error| error.to_string())?;

        let mut resource = Resource::builder().build();
        let named = resource.get(&"service.name".into());
        if named.is_none_or(|name| name.as_str().starts_with("unknown_service")) {
            resource = Resource::builder()
                .with_service_name(service.to_owned())
                .build();
        }
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_id_generator(GivenTraceId)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("ping-pong");
        Ok(Self(Some((provider, tracer))))
    }

    /// Starts the span of a request being answered. `trace` then carries its id, and whether the
    /// trace is recorded.
    pub fn server(&self, name: impl FnOnce() -> String, trace: &mut TraceContext) -> Span {
        let Some((_, tracer)) = &self.0 else {
            return Span(None);
        };
        let parent = if let Some(parent) = trace.parent {
            remote(trace, parent)
        } else {
            GivenTraceId::give(trace.trace_id.get());
            Context::new()
        };
        let builder = tracer.span_builder(name()).with_kind(SpanKind::Server);
        let span = tracer.build_with_context(builder, &parent);
        trace.span_id = id_of(&span);
        trace.sampled = span.span_context().is_sampled();
        Span(Some(span))
    }

    /// Starts the span of a call made while answering the request of `trace`, and names the call.
    pub fn client(&self, name: impl FnOnce() -> String, trace: &TraceContext) -> (Span, SpanId) {
        let Some((_, tracer)) = &self.0 else {
            return (Span(None), SpanId::random());
        };
        let builder = tracer.span_builder(name()).with_kind(SpanKind::Client);
        let span = tracer.build_with_context(builder, &remote(trace, trace.span_id));
        let id = id_of(&span);
        (Span(Some(span)), id)
    }

    pub(super) fn shutdown(&self) {
        if let Some((provider, _)) = &self.0
            && let Err(error) = provider.shutdown_with_timeout(FLUSH_TIMEOUT)
        {
            tracing::warn!(%error, "some spans were not exported");
        }
    }
}

impl Span {
    /// Notes a fact about the operation, under OpenTelemetry's name for it. Text is copied only where
    /// it is recorded.
    pub fn set<'a>(&mut self, key: &'static str, value: impl Into<Fact<'a>>) {
        if let Some(span) = &mut self.0 {
            let value: Value = match value.into() {
                Fact::Text(text) => text.to_owned().into(),
                Fact::Number(number) => number.into(),
            };
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Marks the operation as failed, by the class of its error.
    pub fn fail(&mut self, code: &'static str) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new("error.type", code));
            span.set_status(Status::error(code));
        }
    }
}

fn remote(trace: &TraceContext, parent: SpanId) -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        OtelTraceId::from(trace.trace_id.get()),
        OtelSpanId::from(parent.get()),
        TraceFlags::default().with_sampled(trace.sampled),
        true,
        TraceState::default(),
    ))
}

fn id_of(span: &opentelemetry_sdk::trace::Span) -> SpanId {
    SpanId::from(u64::from_be_bytes(span.span_context().span_id().to_bytes()))
}

/// Random ids, but for a trace that has its id already and no span yet, as an ALB starts it.
///
/// The SDK asks for an id inside `build_with_context`, on the same thread: the id is handed over
/// through a thread-local that is set just before.
#[derive(Debug)]
struct GivenTraceId;

thread_local! {
    static NEXT_TRACE_ID: Cell<Option<u128>> = const { Cell::new(None) };
}

impl GivenTraceId {
    fn give(id: u128) {
        NEXT_TRACE_ID.set(Some(id));
    }
}

impl IdGenerator for GivenTraceId {
    fn new_trace_id(&self) -> OtelTraceId {
        match NEXT_TRACE_ID.take() {
            Some(id) => OtelTraceId::from(id),
            None => RandomIdGenerator::default().new_trace_id(),
        }
    }

    fn new_span_id(&self) -> OtelSpanId {
        RandomIdGenerator::default().new_span_id()
    }
}

/// Sends batches on the SDK's own thread, with a small runtime of its own, so that the last batch
/// goes out after the service's runtime has ended.
struct OtlpClient {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl OtlpClient {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            client: reqwest::Client::builder()
                .no_proxy()
                .timeout(EXPORT_TIMEOUT)
                .build()?,
        })
    }
}

impl fmt::Debug for OtlpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OtlpClient")
    }
}

#[async_trait::async_trait]
impl HttpClient for OtlpClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.runtime.block_on(async {
            let mut answer = self.client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.extend(std::mem::take(answer.headers_mut()));
            }
            Ok(response.body(answer.bytes().await?)?)
        })
    }
}

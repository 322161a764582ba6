//! The whole pipeline, in the order in which a request passes it.

mod gateway;
pub mod lasting;
pub mod live;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::{FutureExt, future};
use http::{Extensions, HeaderValue, Request, Response, header};
use http_body::Body;
use ipnet::IpNet;
use tower::{Service, ServiceBuilder, service_fn};

pub use self::gateway::{Answering, Gateway};
use self::lasting::Lasting;
use crate::auth::authenticate::{Answered, AuthenticateLayer, UserDirectory};
use crate::auth::authorize::AuthorizeLayer;
use crate::auth::call::RequestId;
use crate::auth::denials::Denials;
use crate::auth::keys::KeyRing;
use crate::auth::sign_in;
use crate::auth::{Call, Context, Unread};
use crate::client::{Answer, Download};
use crate::clock::Clock;
use crate::command::AccountId;
use crate::dialect::translate::{Incoming, Translate};
use crate::dispatch::Dispatch;
use crate::error::{Error, Kind};
use crate::execute::Execute;
use crate::forward::pass::{Origin, Refusal, Sites};
use crate::forward::{Forward, Upstreams};
use crate::journal::denial::DenialLog;
use crate::middleware::body::BodyLayer;
use crate::middleware::catch_panic::CatchPanicLayer;
use crate::middleware::client_ip::ClientIpLayer;
use crate::middleware::otherwise::OtherwiseLayer;
use crate::middleware::request_id::RequestIdLayer;
use crate::middleware::respond::RespondLayer;
use crate::middleware::route::{Passed, RouteLayer};
use crate::middleware::timeout::TimeoutLayer;
use crate::middleware::unread_body::{UnreadBodyLayer, WatchedBody};
use crate::middleware::{BodyError, ClientIp, ResponseBody, Routed};
use crate::observe::{Tap, Tapped};
use crate::once::OnceLayer;
use crate::route::{Entry, Mode, PassRoute, Route, is_plain};
use crate::router::Router;
use crate::server::{Offer, OverTls, PeerAddr};
use crate::store::Store;
use crate::store::absent::Absent;
use crate::store::crosswalk::CrosswalkStore;
use crate::store::kept::KeptFields;
use crate::telemetry;

/// What the pipeline is made of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The routes, in any order.
    pub routes: Vec<Route>,
    /// The routes without a dialect, likewise.
    pub beside: Vec<Entry>,
    /// Where those of them lead that hand requests on.
    pub sites: Sites,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where commands are carried out that go to no upstream; nothing where all of them do.
    pub store: Option<Arc<dyn Store>>,
    /// Where the others go.
    pub forward: Forward,
    /// The live API keys.
    pub keys: Arc<KeyRing>,
    /// The account of calls that name none.
    pub account: AccountId,
    /// Bytes that all request bodies in memory may have together.
    pub body_budget: usize,
    /// What wrong keys and passwords lead to, and for how long right passwords are remembered.
    pub sign_in: sign_in::Parameters,
    /// How many passwords are hashed at once.
    pub hashes_at_once: usize,
    /// Whether there is somebody who sends the notifications that the store queues.
    pub notifies: bool,
    /// Where requests of observed routes are copied; nowhere if there are none.
    pub tap: Option<Tap>,
    /// Time and randomness.
    pub clock: Clock,
}

/// What sends commands to upstreams, and notes writes in the store's trail, or in the log without
/// one. The store keeps what upstreams have no place for, too.
pub fn forward(upstreams: Upstreams, store: Option<&Arc<dyn Store>>, clock: Clock) -> Forward {
    let keeper: Arc<dyn KeptFields + Send + Sync> = match store {
        Some(store) => Arc::<dyn Store>::clone(store),
        None => Arc::new(Absent),
    };
    let crosswalk: Arc<dyn CrosswalkStore + Send + Sync> = match store {
        Some(store) => Arc::<dyn Store>::clone(store),
        None => Arc::new(Absent),
    };
    Forward::new(upstreams, keeper, &crosswalk, clock)
}

/// The gateway: any HTTP request in, always an answer out.
pub fn gateway<B>(parts: Parts) -> Gateway<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    next_gateway(parts, &mut Lasting::default())
}

/// One that takes the place of another ([`live::Live`]), and goes on counting where that is.
pub fn next_gateway<B>(parts: Parts, lasting: &mut Lasting) -> Gateway<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    parts.forward.watch();
    // Whatever a layer holds is shared: the stack is cloned for each request.
    let dialects = parts.routes.iter().cloned().map(Entry::from);
    let router = Router::new(dialects.chain(parts.beside.iter().cloned()));
    let router = Arc::new(router);
    let find = move |request: &Request<WatchedBody<B>>| {
        router.find(request.uri(), request.headers()).cloned()
    };
    let passer = Arc::new(Passer {
        sites: parts.sites.clone(),
        trusted_proxies: parts.trusted_proxies.clone(),
    });
    let aside = Arc::clone(&passer);
    let tap = parts.tap.clone();
    let pass = move |site, route: Option<Arc<Route>>, request: Request<WatchedBody<B>>| {
        let observed = route.filter(|route| route.mode == Mode::Observe);
        let watched = observed.zip(tap.as_ref()).and_then(|(route, tap)| {
            let (id, source) = (id(request.extensions()), source(request.extensions()));
            tap.begin(&route, &request, id, source)
        });
        let request = request.map(|body| Tapped::new(body, watched));
        passer.pass(site, request)
    };
    let pass_aside = move |route, request| aside.pass(route, request);
    let budget = lasting.bodies(&parts);
    let http = ServiceBuilder::new()
        // Outermost, so that every answer carries an id.
        .layer(RequestIdLayer::new(parts.clock.clone()))
        // Outside everything that answers without reading, the router too.
        .layer(UnreadBodyLayer)
        // Before everything that logs or limits by address.
        .layer(ClientIpLayer::new(peer, parts.trusted_proxies.clone()))
        // From here on there is a route, and with it a dialect to answer in.
        .layer(RouteLayer::new(find, pass))
        // Nothing fails above this.
        .layer(RespondLayer)
        // Inside the responder, so that a panic is answered; outside all that holds permits.
        .layer(CatchPanicLayer)
        // What is no call leaves here, before the deadline and the limits of calls.
        .layer(OtherwiseLayer::new(pass_aside, budget.clone()))
        // The last resort: body and calls have deadlines of their own.
        .layer(TimeoutLayer)
        // A slow sender holds no permit, so the body comes before the in-flight limit.
        .layer(BodyLayer::new(budget))
        .layer(lasting.in_flight(&parts));
    let denials = denials(&parts);
    let seam = Arc::new(Translate::new(commands(parts, lasting), denials));
    let enter = move |request| enter(Arc::clone(&seam), request);
    Gateway::new(http.service(service_fn(enter)))
}

/// The command stack: it knows nothing of HTTP, and the types forbid any other order.
fn commands(
    parts: Parts,
    lasting: &mut Lasting,
) -> impl Service<Result<Box<Call>, Box<Unread>>, Response = Answered, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
+ use<> {
    // The store is the directory of who may sign in.
    let users: Arc<dyn UserDirectory + Send + Sync> = match &parts.store {
        Some(store) => Arc::<dyn Store>::clone(store),
        None => Arc::new(Absent),
    };
    let sign_in = lasting.sign_in(&parts, users);
    let passwords = lasting.passwords(&parts);
    let claims = lasting.claims(&parts);
    // A user who changes its password proves the one before as at signing in.
    let execute = parts.store.map(|store| {
        let (sign_in, clock) = (Arc::clone(&sign_in), parts.clock.clone());
        Execute::new(store, passwords, sign_in, parts.notifies, clock)
    });
    ServiceBuilder::new()
        .layer(AuthenticateLayer::new(
            parts.keys,
            sign_in,
            parts.clock,
            parts.account,
        ))
        .layer(AuthorizeLayer::new(parts.account))
        // An answer is given again only to who may have the call carried out.
        .layer(OnceLayer::new(claims))
        // Last, since only here it matters who carries a command out.
        .service(Dispatch::new(execute, parts.forward))
}

/// The store keeps what was denied beside what was done, in one chain.
fn denials(parts: &Parts) -> Denials {
    let log: Arc<dyn DenialLog + Send + Sync> = match &parts.store {
        Some(store) => Arc::<dyn Store>::clone(store),
        None => Arc::new(Absent),
    };
    Denials::new(log, parts.clock.clone(), parts.account)
}

/// Hands requests on to sites.
struct Passer {
    sites: Sites,
    trusted_proxies: Vec<IpNet>,
}

impl Passer {
    fn pass<B>(&self, route: Arc<PassRoute>, mut request: Request<B>) -> Passed
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BodyError>,
    {
        let since = Instant::now();
        let extensions = request.extensions_mut();
        let offer = extensions.remove::<Offer>();
        let source = source(extensions);
        let peer = peer(extensions);
        let origin = Origin {
            peer,
            is_trusted: peer.is_some_and(|peer| self.trusts(peer)),
            id: id(extensions),
            is_over_tls: extensions.get::<OverTls>().is_some(),
            can_leave: offer.is_some(),
        };
        let passed = self.sites.pass(&route, request, origin);
        Box::pin(passed.map(move |passed| {
            let (response, cause) = match passed {
                Ok(Answer::Response(response)) => (response.map(downloaded), None),
                Ok(Answer::Tunnel(response, tunnel)) => {
                    if let Some(offer) = offer {
                        offer.accept(tunnel);
                    }
                    (response.map(|()| ResponseBody::from("")), None)
                }
                Err(refusal) => (refused(&refusal), refusal.cause),
            };
            let cause = cause
                .as_ref()
                .map(|cause| -> &(dyn std::error::Error + 'static) { cause });
            telemetry::log_pass(&telemetry::PassLine {
                id: origin.id,
                source,
                route: &route.name,
                status: response.status(),
                cause,
                since,
            });
            response
        }))
    }

    fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        let mut networks = self.trusted_proxies.iter();
        networks.any(|network| network.contains(&peer))
    }
}

fn downloaded(mut body: Download) -> ResponseBody {
    match body.take_whole() {
        Some(whole) => ResponseBody::new(whole),
        None => ResponseBody::streamed(body),
    }
}

/// A plain answer: no dialect is spoken on a pass route.
fn refused(refusal: &Refusal) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::from(refusal.message));
    *response.status_mut() = refusal.status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

/// The id that was given to a request.
fn id(extensions: &Extensions) -> RequestId {
    extensions.get().copied().unwrap_or_default()
}

/// Where a request was found to come from.
fn source(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get().map(|ClientIp(ip)| *ip)
}

/// The address that the server notes of a connection.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get().map(|PeerAddr(address)| address.ip())
}

/// Hands a request over at the seam.
fn enter<S>(
    seam: Arc<Translate<S>>,
    request: Routed<Bytes>,
) -> impl Future<Output = Result<Response<ResponseBody>, Error>>
where
    S: Service<Result<Box<Call>, Box<Unread>>, Response = Answered, Error = Infallible> + Clone,
{
    let context = Context {
        request_id: request.id(),
        source: request.client_ip(),
        ..Context::default()
    };
    let Routed { head, body, route } = request;
    if !is_plain(head.uri.path()) {
        let message = "the path can be read in more than one way; send it without `..`, `//`, `;`, `\\` and escapes of them";
        let refused = Err(Error::new(Kind::Malformed, message));
        return future::Either::Left(future::ready(refused));
    }
    let incoming = Incoming {
        head,
        body,
        route,
        context,
    };
    let answer = seam.translate(incoming);
    future::Either::Right(answer.map(|response| Ok(response.map(ResponseBody::new))))
}

//! Which listeners a node has, where each is bound, and what lies between it and a session.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use ternmq_configuration::Listeners;
use ternmq_net::{
    Door, DoorTls, FirstBytes, Listener, Origins, SessionFactory, Spoken, TlsServer, WebSocketSettings,
    one_port, websocket,
};

use crate::accept_rules::{AcceptRules, Gates};
use crate::engine::{Engine, Protocol};
use crate::error::StartError;
use crate::options::{BrokerOptions, Listen};
use crate::settings::Settings;
use crate::tls_source::{TlsSource, check_flags, is_certificate_given};

/// Port of the http listener unless one is named.
const HTTP_PORT: u16 = 15_672;
const HTTPS_PORT: u16 = 15_671;
const WS_PORT: u16 = 61_618;
const WSS_PORT: u16 = 61_619;

/// The twin of a protocol's listener that has TLS, with its usual port.
fn secured(name: &str) -> Option<(&'static str, u16)> {
    Some(match name {
        "amqp" => ("amqps", 5_671),
        "mqtt" => ("mqtts", 8_883),
        "stomp" => ("stomps", 61_614),
        "openwire" => ("openwires", 61_617),
        _ => return None,
    })
}

/// How a protocol is asked for through a WebSocket; the second tells whether its clients may leave the name out and
/// want text.
fn subprotocols(name: &str) -> (&'static [&'static str], bool) {
    match name {
        "amqp" => (&["amqp"], false),
        "mqtt" => (&["mqtt", "mqttv3.1"], false),
        "stomp" => (&["v12.stomp", "v11.stomp", "v10.stomp"], true),
        _ => (&[], false),
    }
}

/// What the clients of a protocol begin with.
fn first_bytes(name: &str) -> &'static [&'static [u8]] {
    match name {
        "amqp" => &[b"AMQP"],
        // CONNECT
        "mqtt" => &[&[0x10]],
        "stomp" => &[b"CONNECT\n", b"CONNECT\r\n", b"STOMP\n", b"STOMP\r\n"],
        // The size of a frame that is short before the login.
        "openwire" => &[&[0, 0]],
        _ => &[],
    }
}

/// A session of any protocol inside a WebSocket.
fn web(engine: &Engine, options: &BrokerOptions, settings: &Settings) -> SessionFactory {
    let spoken = engine.protocols.iter().map(|protocol| {
        let (subprotocols, is_text) = subprotocols(protocol.name);
        Spoken { subprotocols, is_default: is_text, speaks_text: is_text, factory: protocol.factory.clone() }
    });
    websocket(Arc::new(WebSocketSettings {
        spoken: spoken.collect(),
        origins: Origins::new(options.origins.clone()),
        max_message_bytes: settings.limits.max_message_bytes,
    }))
}

/// A session of whatever the client begins with.
fn any(engine: &Engine, web: &SessionFactory) -> SessionFactory {
    let protocols = engine
        .protocols
        .iter()
        .map(|protocol| FirstBytes { starts: first_bytes(protocol.name), factory: protocol.factory.clone() });
    let web = FirstBytes { starts: &[b"GET "], factory: web.clone() };
    one_port(protocols.chain([web]).collect())
}

/// Listeners that are bound.
pub(crate) struct Bound {
    pub(crate) doors: Vec<Door>,
    pub(crate) http: Option<Listener>,
    pub(crate) https: Option<(Listener, Arc<TlsServer>)>,
    /// Who is let in at each of them.
    pub(crate) gates: Gates,
    pub(crate) ports: Vec<(String, SocketAddr)>,
    /// For reading their certificates again.
    pub(crate) servers: Vec<(TlsSource, Arc<TlsServer>)>,
}

/// TLS of a node.
pub(crate) struct NodeTls {
    messages: Option<(TlsSource, Arc<TlsServer>)>,
    http: Option<(TlsSource, Arc<TlsServer>)>,
    /// The certificate is from the command line.
    is_everywhere: bool,
}

impl NodeTls {
    /// Reads certificates: those of the command line, else those of the file.
    pub(crate) fn load(flags: Option<TlsSource>, settings: &Settings) -> Result<Self, StartError> {
        let is_everywhere = flags.is_some();
        let ready = |source: Option<TlsSource>| match source {
            Some(source) => source.server().map(|server| Some((source, server))),
            None => Ok(None),
        };
        let messages = ready(flags.or_else(|| settings.tls.clone()))?;
        let http = ready(settings.http_tls.clone())?;
        Ok(Self { messages, http, is_everywhere })
    }

    fn of_messages(&self) -> Option<&Arc<TlsServer>> {
        self.messages.as_ref().map(|(_, server)| server)
    }

    fn of_http(&self) -> Option<&Arc<TlsServer>> {
        self.http.as_ref().or(self.messages.as_ref()).map(|(_, server)| server)
    }
}

/// A listener that may be.
struct Kind<'a> {
    name: &'static str,
    /// On 127.0.0.1, unless an address is named; absent: there only when named.
    default_port: Option<u16>,
    /// What the file says of it, if anything.
    said: Option<&'a Listeners>,
    tls: TlsUse,
    factory: SessionFactory,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TlsUse {
    Never,
    Always,
    /// If there is a certificate, for those who begin with it.
    ByFirstByte,
}

/// All listeners of messages that this node can have.
fn kinds<'a>(engine: &Engine, options: &BrokerOptions, settings: &'a Settings) -> Vec<Kind<'a>> {
    // A certificate on the command line opens every listener that has a use for it.
    let is_everywhere = is_certificate_given(&options.tls);
    let mut kinds = Vec::new();
    for Protocol { name, default_port, factory } in &engine.protocols {
        kinds.push(Kind {
            name,
            default_port: Some(*default_port),
            said: settings.listeners.get(name),
            tls: TlsUse::Never,
            factory: factory.clone(),
        });
        if let Some((twin, port)) = secured(name) {
            kinds.push(Kind {
                name: twin,
                default_port: is_everywhere.then_some(port),
                said: settings.listeners.get(twin),
                tls: TlsUse::Always,
                factory: factory.clone(),
            });
        }
    }
    let web = web(engine, options, settings);
    let more = [
        ("ws", Some(WS_PORT), TlsUse::Never, web.clone()),
        ("wss", is_everywhere.then_some(WSS_PORT), TlsUse::Always, web.clone()),
        ("any", None, TlsUse::ByFirstByte, any(engine, &web)),
    ];
    for (name, default_port, tls, factory) in more {
        kinds.push(Kind { name, default_port, said: settings.listeners.get(name), tls, factory });
    }
    kinds
}

/// Whether there are the listeners that the command line names; looks at no file.
pub(crate) fn check(options: &BrokerOptions, settings: &Settings, engine: &Engine) -> Result<(), StartError> {
    check_flags(&options.tls)?;
    if settings.is_proxied && options.proxies.is_empty() {
        return Err(StartError::Usage(
            "proxy_protocol = true needs the addresses of the proxies: say --proxy-from NETWORK (S1)".into(),
        ));
    }
    let kinds = kinds(engine, options, settings);
    let for_messages = is_certificate_given(&options.tls) || settings.tls.is_some();
    let for_http = for_messages || settings.http_tls.is_some();
    let known: Vec<&str> = kinds.iter().map(|kind| kind.name).chain(["http", "https"]).collect();
    for Listen { name, address } in &options.listen {
        if !known.contains(&&**name) {
            return Err(StartError::Usage(format!(
                "--listen {name}={address}: this broker has no such listener; it has {}",
                known.join(", ")
            )));
        }
        let needs_tls =
            name == "https" || kinds.iter().any(|kind| kind.name == *name && kind.tls == TlsUse::Always);
        let has_tls = if name == "https" { for_http } else { for_messages };
        if needs_tls && !has_tls {
            return Err(StartError::Usage(format!(
                "--listen {name}={address}: this listener needs a certificate; say --tls-cert FILE with --tls-key FILE, or \
                 --tls-self-signed for development"
            )));
        }
    }
    Ok(())
}

/// Binds: the command line, else the file, else 127.0.0.1 and the usual port.
pub(crate) fn bind(
    options: &BrokerOptions,
    settings: &Settings,
    engine: &Engine,
    tls: &NodeTls,
) -> Result<Bound, StartError> {
    let local =
        |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, if options.is_ephemeral { 0 } else { port }));
    let named =
        |name: &str| options.listen.iter().rev().find(|listen| listen.name == name).map(|it| it.address);
    let gates = Gates::new(options.accept_file.as_deref().map(AcceptRules::read).transpose()?);
    let (mut ports, mut doors) = (Vec::new(), Vec::new());
    for kind in kinds(engine, options, settings) {
        let addresses = match (named(kind.name), kind.said) {
            (Some(address), _) => vec![address],
            (None, _) if options.is_listen_complete => Vec::new(),
            (None, Some(said)) if said.is_off => Vec::new(),
            (None, Some(said)) if !said.named.is_empty() => said.named.iter().map(|it| it.address).collect(),
            (None, _) => kind.default_port.map(local).into_iter().collect(),
        };
        for (number, address) in addresses.into_iter().enumerate() {
            let listener = Listener::bind_with(kind.name, address, &settings.sockets)?;
            if number == 0 {
                ports.push((kind.name.to_owned(), listener.address));
            }
            let factory = kind.factory.clone();
            let mut door = match (tls.of_messages(), kind.tls) {
                (Some(server), TlsUse::Always) => Door::secured(listener, factory, server.clone()),
                (Some(server), TlsUse::ByFirstByte) => {
                    let tls = DoorTls::ByFirstByte(server.clone());
                    Door { tls, ..Door::secured(listener, factory, server.clone()) }
                }
                _ => Door::plain(listener, factory),
            };
            door.proxies = options.proxies.clone().into();
            door.gate = gates.of(kind.name);
            door.max_connections = options.bounds.listener_connections;
            doors.push(door);
        }
    }
    let http = match named("http") {
        None if options.is_listen_complete => None,
        named => Some(bind_http(named, local(HTTP_PORT), settings)?),
    };
    let https = match named("https") {
        None if options.is_listen_complete => None,
        named => bind_https(named, local(HTTPS_PORT), settings, tls)?,
    };
    for listener in http.iter().chain(https.as_ref().map(|(listener, _)| listener)) {
        gates.of(&listener.name);
        ports.push((listener.name.clone(), listener.address));
    }
    if let Some(path) = &options.accept_file {
        gates.check_first(path)?;
    }
    let servers = tls.messages.iter().chain(&tls.http).cloned().collect();
    Ok(Bound { doors, http, https, gates, ports, servers })
}

fn bind_http(
    named: Option<SocketAddr>,
    default: SocketAddr,
    settings: &Settings,
) -> Result<Listener, StartError> {
    let address = named.unwrap_or_else(|| {
        let port = settings.http_port.unwrap_or(default.port());
        SocketAddr::new(settings.http_ip.unwrap_or(default.ip()), port)
    });
    Ok(Listener::bind("http", address)?)
}

fn bind_https(
    named: Option<SocketAddr>,
    default: SocketAddr,
    settings: &Settings,
    tls: &NodeTls,
) -> Result<Option<(Listener, Arc<TlsServer>)>, StartError> {
    let Some(server) = tls.of_http() else {
        return match (settings.https_ip, settings.https_port) {
            (None, None) => Ok(None),
            _ => Err(StartError::Usage(
                "management.ssl needs a certificate; set management.ssl.certfile and management.ssl.keyfile"
                    .into(),
            )),
        };
    };
    let is_wanted = named.is_some()
        || tls.is_everywhere
        || tls.http.is_some()
        || settings.https_ip.is_some()
        || settings.https_port.is_some();
    if !is_wanted {
        return Ok(None);
    }
    let address = named.unwrap_or_else(|| {
        let port = settings.https_port.unwrap_or(default.port());
        SocketAddr::new(settings.https_ip.unwrap_or(default.ip()), port)
    });
    Ok(Some((Listener::bind("https", address)?, server.clone())))
}

public import HTTPTypes
public import Hummingbird
public import Logging
public import Runtime
public import RuntimeHTTP
import RuntimeHTTPTypes

/// A source of request contexts that use Gearbox: the request as the engine represents it.
///
/// ```swift
/// struct AppContext: RequestContext {
///   typealias Source = EngineRequestContextSource
///   var coreContext: CoreRequestContextStorage
///   let client: Runtime.SocketAddress?
///   init(source: Source) {
///     coreContext = CoreRequestContextStorage(source: source)
///     client = source.remoteAddress
///   }
/// }
/// ```
public struct EngineRequestContextSource: RequestContextSource, Sendable {
  /// The request, with its connection's properties.
  public let request: RuntimeHTTP.Request
  /// The request's logger, with the request's identifier as `hb.request.id`.
  public let logger: Logger

  /// The client's address, if the stream knows it.
  public var remoteAddress: Runtime.SocketAddress? { request.remoteAddress }

  /// The fields that followed the content, which Hummingbird's request does not represent; empty until its end has been
  /// read.
  public var trailers: HTTPFields {
    get throws { try request.body.trailerFields }
  }
}

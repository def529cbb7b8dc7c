public import HTTPTypes
public import Hummingbird
public import Logging
public import Runtime
public import RuntimeHTTP
import RuntimeHTTPTypes

/// What a request context is made of that knows Gearbox: the request as the engine has it.
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
  /// The request, with what its connection says of itself.
  public let request: RuntimeHTTP.Request
  /// The logger of the request, which has its identity under `hb.request.id`.
  public let logger: Logger

  /// Where the request came from, where the stream knows.
  public var remoteAddress: Runtime.SocketAddress? { request.remoteAddress }

  /// The fields that came after the content, which Hummingbird's request has no place for; none before its end has been
  /// read.
  public var trailers: HTTPFields {
    get throws { try request.body.trailerFields }
  }
}

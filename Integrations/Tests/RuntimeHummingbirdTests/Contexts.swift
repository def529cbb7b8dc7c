import Hummingbird
import NIOCore
import RuntimeHummingbird

/// A context made from the engine's own request.
struct EngineContext: RequestContext {
  typealias Source = EngineRequestContextSource

  var coreContext: CoreRequestContextStorage
  let source: EngineRequestContextSource

  init(source: Source) {
    coreContext = CoreRequestContextStorage(source: source)
    self.source = source
  }

  var maxUploadSize: Int { 64 }
}

/// A context that asks for a channel of SwiftNIO.
struct ChannelContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }
}

import CRuntime
import Glibc

/// A thread of this library. Each one must be joined or detached.
package struct Thread: Sendable {
  private let handle: pthread_t

  /// Starts a thread that runs `body`. Linux shows the first 15 bytes of `name`.
  package init(name: String, _ body: @escaping @Sendable () -> Void) throws(IOError) {
    var handle = pthread_t()
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    let code = pthread_create(&handle, nil, threadMain, start.toOpaque())
    guard code == 0 else {
      start.release()
      throw IOError(.thread, .system(code))
    }
    self.handle = handle
  }

  /// The calling thread, which must have been started by this type.
  package static var current: Thread { Thread(handle: pthread_self()) }

  private init(handle: pthread_t) { self.handle = handle }

  /// Waits until the thread has ended and its resources are released. Call it at most once, and not from the thread
  /// itself.
  package func join() {
    pthread_join(handle, nil)
  }

  /// Lets the thread release its resources by itself when it ends. It then cannot be joined.
  package func detach() {
    pthread_detach(handle)
  }
}

private final class Start: Sendable {
  let name: String
  let body: @Sendable () -> Void

  init(name: String, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }
}

// A function rather than a closure in a generic context: such thread entries have crashed the compiler.
private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
  gearbox_name_thread(start.name)
  start.body()
  return nil
}

import Glibc
import Testing

@testable import Runtime

@Suite struct ServiceNotifierTests {
  @Test func `There is no notifier if the variable is empty`() {
    let isNone = ServiceNotifier(variable: "") == nil
    #expect(isNone)
  }

  @Test(arguments: ["relative/path", "vsock:2:1234", "/" + String(repeating: "x", count: 200)])
  func `An unsupported address cannot be notified`(variable: String) throws {
    let notifier = try #require(ServiceNotifier(variable: variable))
    #expect(throws: IOError(.send, .system(EAFNOSUPPORT))) { try notifier.notify(.ready) }
  }

  @Test func `A missing socket cannot be notified`() throws {
    let notifier = try #require(ServiceNotifier(variable: "/nowhere/notify"))
    #expect(throws: IOError(.send, .system(ENOENT))) { try notifier.notify(.stopping) }
  }
}

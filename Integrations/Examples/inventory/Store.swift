import FoundationEssentials
import Logging
import RuntimeHTTP
import ServiceLifecycle
import Tracing

/// The count of an item.
struct Item: Codable, Sendable {
  var count: Int
}

/// Stands in for a database: it is open from before the first request until after the last, and its calls take a while.
actor Store: Service {
  struct Closed: Error {}

  private let logger: Logger
  private var items: [String: Item] = [:]
  private var isOpen = true

  init(logger: Logger) { self.logger = logger }

  /// Waits for the end, and closes the store.
  func run() async throws {
    try? await gracefulShutdown()
    isOpen = false
    logger.info("store closed", metadata: ["items": "\(items.count)"])
  }

  func item(_ name: String) async throws -> Item? {
    try await call("store.item") { items[name] }
  }

  func set(_ name: String, to item: Item) async throws {
    try await call("store.set") { items[name] = item }
  }

  private func call<Result: Sendable>(_ name: String, _ body: () -> Result) async throws -> Result {
    try await withSpan(name, ofKind: .client) { _ in
      try await Task.sleep(for: .milliseconds(2))
      guard isOpen else { throw Closed() }
      return body()
    }
  }
}

extension Item {
  /// - Throws: `HTTPError` for a 400 if `json` is not an item.
  init(json: [UInt8]) throws {
    do {
      self = try JSONDecoder().decode(Item.self, from: Data(json))
    } catch {
      throw HTTPError(.badRequest, #"It has to look like {"count":3}."#)
    }
  }
}

extension Response {
  static func json(_ value: some Encodable) throws -> Response {
    Response(headers: ["Content-Type": "application/json"], body: .bytes(Array(try JSONEncoder().encode(value))))
  }
}

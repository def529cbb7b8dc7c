/// A handler that is one function.
public struct HandlerFunction: Handler {
  private let function: @Sendable (Request) async throws -> Response

  /// A handler that answers with what `function` gives.
  public init(_ function: @escaping @Sendable (Request) async throws -> Response) { self.function = function }

  /// What the function gives.
  public func respond(to request: Request) async throws -> Response { try await function(request) }
}

import RuntimeTestSupport
import RuntimeTesting
import Testing

/// What every runtime promises, asked of each of ours.
@Suite(.timeLimit(.minutes(10))) struct ConformanceTests {
  @Test(.serialized, arguments: Variant.all, RuntimeConformance.cases)
  func `A backend keeps its promises`(variant: Variant, promise: RuntimeConformance.Case) async throws {
    try await promise.check { try variant.makeRuntime() }
  }
}

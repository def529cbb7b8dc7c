import InMemoryTracing
import Logging
import RuntimeTracing
import ServiceLifecycle
import Tracing

/// Stands in for an exporter of spans: it logs them a few times a second, and once more at the end.
struct SpanExport: Service {
  let tracer = InMemoryTracer(recordInjections: false, recordExtractions: false)
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        export()
        try? await Task.sleep(for: .milliseconds(200))
      }
    }
    export()
  }

  private func export() {
    for span in tracer.popFinishedSpans() {
      var metadata: Logger.Metadata = ["kind": "\(span.kind)"]
      metadata["trace_id"] = span.context.traceContext.map { "\($0.traceID)" }
      span.attributes.forEach { name, value in metadata[name] = "\(value)" }
      logger.info("span \(span.operationName)", metadata: metadata)
    }
  }
}

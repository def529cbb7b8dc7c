import Instrumentation
public import Logging

extension Logger.MetadataProvider {
  /// A provider that adds `trace_id` and `span_id` to log messages of handlers behind ``RequestTracing``.
  ///
  /// ```swift
  /// LoggingSystem.bootstrap(handler, metadataProvider: .traceContext)
  /// ```
  ///
  /// The identifiers are those of ``TraceContext``, which services on both sides know. A tracer with other identifiers
  /// provides its own metadata provider.
  public static var traceContext: Logger.MetadataProvider {
    Logger.MetadataProvider {
      guard let trace = InstrumentationContext.current?.traceContext else { return [:] }
      return ["trace_id": .string(trace.traceID), "span_id": .string(trace.spanID)]
    }
  }
}

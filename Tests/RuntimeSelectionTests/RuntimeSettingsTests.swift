import Runtime
import RuntimeSelection
import Testing

@Suite struct RuntimeSettingsTests {
  @Test func `A runtime and a poller are shown by their names`() {
    #expect(RuntimeKind.allCases.map { "\($0)" } == ["concurrency", "dispatch", "custom"])
    #expect(PollerKind.allCases.map { "\($0)" } == ["epoll", "poll"])
  }

  @Test func nothingSetIsTheCustomRuntimeWithAWorkerACore() throws {
    #expect(try RuntimeSettings(variable: { _ in nil }) == RuntimeSettings(kind: .custom, workers: nil))
  }

  @Test(arguments: RuntimeKind.allCases, [1, 2, 1024])
  func theEnvironmentChooses(kind: RuntimeKind, workers: Int) throws {
    let environment = ["RUNTIME": kind.rawValue, "RUNTIME_WORKERS": "\(workers)", "OTHER": "x"]
    #expect(try RuntimeSettings(variable: { environment[$0] }) == RuntimeSettings(kind: kind, workers: workers))
  }

  @Test(arguments: [
    ("RUNTIME", "fast", "RUNTIME: \"fast\" is not one of concurrency, dispatch, custom"),
    ("RUNTIME", "Custom", "RUNTIME: \"Custom\" is not one of concurrency, dispatch, custom"),
    ("RUNTIME", "", "RUNTIME: \"\" is not one of concurrency, dispatch, custom"),
    ("RUNTIME", "a\nb", "RUNTIME: \"a\\nb\" is not one of concurrency, dispatch, custom"),
    ("RUNTIME_WORKERS", "0", "RUNTIME_WORKERS: \"0\" is not a whole number from 1 to 1024"),
    ("RUNTIME_WORKERS", "1025", "RUNTIME_WORKERS: \"1025\" is not a whole number from 1 to 1024"),
    ("RUNTIME_WORKERS", "+1", "RUNTIME_WORKERS: \"+1\" is not a whole number from 1 to 1024"),
    ("RUNTIME_WORKERS", "1.5", "RUNTIME_WORKERS: \"1.5\" is not a whole number from 1 to 1024"),
    ("RUNTIME_WORKERS", " 2", "RUNTIME_WORKERS: \" 2\" is not a whole number from 1 to 1024"),
    ("RUNTIME_WORKERS", "", "RUNTIME_WORKERS: \"\" is not a whole number from 1 to 1024"),
    (
      "RUNTIME_WORKERS", "99999999999999999999",
      "RUNTIME_WORKERS: \"99999999999999999999\" is not a whole number from 1 to 1024"
    ),
  ])
  func aBadValueIsAnErrorThatNamesVariableValueAndChoices(name: String, value: String, message: String) {
    let error = #expect(throws: InvalidSetting.self) {
      _ = try RuntimeSettings(variable: { $0 == name ? value : nil })
    }
    #expect(error.map(String.init(describing:)) == message)
  }
}

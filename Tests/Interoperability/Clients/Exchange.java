import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Arrays;

/**
 * Makes the requests of exchange.py with Java's client, over both versions of HTTP.
 *
 * <p>{@code java Exchange.java HOST:PORT}
 */
final class Exchange {
  private static final int KILOBYTE = 1024, MEGABYTE = 1024 * 1024;

  private final HttpClient.Version version;
  private final HttpClient client;
  private final String base;

  private Exchange(HttpClient.Version version, String address) {
    this.version = version;
    client = HttpClient.newBuilder().version(version).build();
    base = "http://" + address;
  }

  public static void main(String[] arguments) throws Exception {
    // The client of JDK 17 sends all content before it reads, and waits for a window even after a reset of its stream.
    new Exchange(HttpClient.Version.HTTP_1_1, arguments[0]).check(20 * MEGABYTE);
    new Exchange(HttpClient.Version.HTTP_2, arguments[0]).check(MEGABYTE);
    System.exit(0);
  }

  private void check(int longest) throws Exception {
    expect("/", ask("GET", "/", null, false).statusCode(), 200);
    expect("/nowhere", ask("GET", "/nowhere", null, false).statusCode(), 404);
    for (int size : new int[] {0, 5, 64 * KILOBYTE, MEGABYTE, 20 * MEGABYTE}) {
      if (size > longest) continue;
      var data = new byte[size];
      Arrays.fill(data, (byte) 'x');
      for (boolean isChunked : new boolean[] {false, true}) {
        var what = size + " bytes" + (isChunked ? " in chunks" : "");
        if (size <= MEGABYTE) {
          var echo = ask("POST", "/echo/whole", data, isChunked);
          expect(what, echo.statusCode(), 200);
          expect("the echo of " + what, Arrays.mismatch(echo.body(), data), -1);
        }
        for (var path : new String[] {"/nowhere", "/plaintext"}) {
          var status = ask("POST", path, data, isChunked).statusCode();
          expect(what + " to " + path, status, path.equals("/nowhere") ? 404 : 405);
          expect("the request after " + what + " to " + path, ask("GET", "/plaintext", null, false).statusCode(), 200);
        }
      }
    }
  }

  private HttpResponse<byte[]> ask(String method, String path, byte[] data, boolean isChunked) throws Exception {
    var content = BodyPublishers.noBody();
    // The client does not know the length of a publisher with pieces.
    if (data != null && isChunked) content = BodyPublishers.fromPublisher(BodyPublishers.ofByteArray(data));
    if (data != null && !isChunked) content = BodyPublishers.ofByteArray(data);
    var request = HttpRequest.newBuilder(URI.create(base + path)).method(method, content).timeout(Duration.ofMinutes(1));
    try {
      return client.send(request.build(), BodyHandlers.ofByteArray());
    } catch (java.io.IOException error) {
      var length = data == null ? 0 : data.length;
      throw new Exception(version + ": " + method + " " + path + " with " + length + " bytes: " + error, error);
    }
  }

  private void expect(String what, int found, int wanted) {
    if (found == wanted) return;
    System.err.println("Java's client, " + version + ": " + what + ": " + found + " instead of " + wanted);
    System.exit(1);
  }
}

import co.elastic.clients.elasticsearch.ilm.PutLifecycleRequest;
import co.elastic.clients.elasticsearch.indices.PutIndexTemplateRequest;
import co.elastic.clients.json.JsonpUtils;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;

/** `Typed lifecycle|template FILE...`: each file as the client of Elasticsearch would send it, or why it is none. One line a file. */
public class Typed {
    public static void main(String[] given) {
        JsonpUtils.maxToStringLength(1_000_000);
        for (int at = 1; at < given.length; at++) {
            try (Reader file = Files.newBufferedReader(Path.of(given[at]))) {
                Object request = given[0].equals("lifecycle")
                    ? PutLifecycleRequest.of(put -> put.name("x").withJson(file))
                    : PutIndexTemplateRequest.of(put -> put.name("x").withJson(file));
                System.out.println("taken " + request);
            } catch (Exception refused) {
                System.out.println("refused " + refused.getMessage().replace('\n', ' '));
            }
        }
    }
}

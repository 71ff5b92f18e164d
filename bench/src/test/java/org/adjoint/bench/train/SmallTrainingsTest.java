package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.adjoint.bench.CommandRun;
import org.adjoint.bench.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code train polynomial} and {@code train xor}. */
class SmallTrainingsTest {
    @TempDir
    private Path folder;

    @Test
    void thePolynomialIsFound() throws IOException {
        Path json = folder.resolve("result.json");
        CommandRun run = CommandRun.of("train", "polynomial", "--noise", "0", "--device", "cpu", "--out",
                folder.toString(), "--json", json.toString());
        assertEquals(0, run.status(), run::err);
        Map<String, Object> results = Json.readObject(json);
        List<?> found = (List<?>) results.get("found");
        List<?> truth = (List<?>) results.get("true");
        assertEquals(6, found.size());
        for (int i = 0; i < found.size(); i++) {
            assertEquals((Double) truth.get(i), (Double) found.get(i), 0.02, results::toString);
        }
        assertTrue((Double) results.get("loss") < 1e-5, results::toString);
        assertTrue(run.out().contains("plot: " + folder.resolve("polynomial.png")), run::out);
        assertTrue(ImageIO.read(folder.resolve("polynomial.png").toFile()).getWidth() > 500);
    }

    @Test
    void xorNeedsAHiddenLayer() throws IOException {
        Path json = folder.resolve("result.json");
        CommandRun run = CommandRun.of("train", "xor", "--device", "cpu", "--out", folder.toString(), "--json",
                json.toString());
        assertEquals(0, run.status(), run::err);
        Map<?, ?> without = (Map<?, ?>) Json.readObject(json).get("withoutHiddenLayer");
        Map<?, ?> with = (Map<?, ?>) Json.readObject(json).get("withHiddenLayer");
        assertEquals(false, without.get("learned"));
        assertEquals(Math.log(2), (Double) without.get("loss"), 1e-3);
        assertEquals(true, with.get("learned"));
        assertTrue((Double) with.get("loss") < 0.05, with::toString);
        assertTrue(ImageIO.read(folder.resolve("xor.png").toFile()).getWidth() > 500);
    }

    @Test
    void aNetworkThatDoesNotLearnIsAFailure() {
        CommandRun run = CommandRun.of("train", "xor", "--device", "cpu", "--steps", "1", "--out", folder.toString());
        assertEquals(1, run.status());
        assertTrue(run.err().startsWith("error: the network with a hidden layer did not learn xor"), run::err);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "polynomial --points 5   | --points must be at least 6 but is 5",
        "polynomial --noise -1   | --noise must not be negative but is -1.0",
        "polynomial --steps 0    | --steps must be at least 1 but is 0",
        "polynomial --lr 0       | --lr must be positive but is 0.0",
        "xor --hidden 0          | --hidden must be at least 1 but is 0",
        "xor --hiden 4           | unknown option '--hiden', did you mean '--hidden'?",
        "xor --device gpu        | unknown device 'gpu', did you mean 'cpu'?",
    })
    void badUsage(String arguments, String message) {
        CommandRun run = CommandRun.of(("train " + arguments).split(" "));
        assertEquals(2, run.status());
        assertEquals("error: " + message + " (see adjoint train " + arguments.split(" ")[0] + " --help)",
                run.err().strip());
    }
}

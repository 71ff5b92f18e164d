package org.adjoint.bench.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.bench.CommandRun;
import org.adjoint.bench.Json;
import org.adjoint.io.Checkpoint;
import org.adjoint.model.GPT;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SampleCommandTest {
    @TempDir
    private static Path folder;
    private static Path run;

    @BeforeAll
    static void train() throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), "some text to learn, again and again. ".repeat(50));
        run = folder.resolve("run");
        CommandRun trained = CommandRun.of("train", "--layers", "2", "--heads", "2", "--width", "16", "--context", "40",
                "--batch", "2", "--device", "cpu", "--steps", "2", "--data", text.toString(), "--out", run.toString());
        assertEquals(0, trained.status(), trained::err);
    }

    private static CommandRun sample(Path checkpoint, String... options) {
        List<String> arguments = new ArrayList<>(
                List.of("sample", "--device", "cpu", "--checkpoint", checkpoint.toString()));
        arguments.addAll(List.of(options));
        return CommandRun.of(arguments.toArray(String[]::new));
    }

    /** Longer than the context, so that the cache is filled anew on the way. */
    @Test
    void aTokenRetracesNothingAfterWarmUp() throws IOException {
        Path json = folder.resolve("sample.json");
        CommandRun sampled = sample(run, "--prompt", "some", "--length", "100", "--json", json.toString());
        assertEquals(0, sampled.status(), sampled::err);
        Map<String, Object> results = Json.readObject(json);
        assertEquals(0L, results.get("tracesAfterWarmup"));
        assertEquals(0L, results.get("plansAfterWarmup"));
        assertEquals(100L, results.get("length"));
        assertEquals("some" + results.get("text") + System.lineSeparator(), sampled.out());
        assertTrue((Double) results.get("tokensPerSecond") > 0, results::toString);
    }

    @Test
    void theSameSeedGivesTheSameText() {
        String[] options = {"--prompt", "again", "--length", "30", "--top-k", "50", "--top-p", "0.9", "--seed"};
        String first = sample(run, with(options, "1")).out();
        assertEquals(first, sample(run, with(options, "1")).out());
        assertNotEquals(first, sample(run, with(options, "2")).out());
    }

    private static String[] with(String[] options, String last) {
        List<String> all = new ArrayList<>(List.of(options));
        all.add(last);
        return all.toArray(String[]::new);
    }

    @Test
    void atTemperatureZeroTheSeedDoesNotMatter() {
        String first = sample(run, "--prompt", "x", "--length", "20", "--temperature", "0", "--seed", "1").out();
        assertEquals(first, sample(run, "--prompt", "x", "--length", "20", "--temperature", "0", "--seed", "2").out());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--prompt a --length 0       | --length must be at least 1 but is 0",
        "--prompt a --temperature -1 | --temperature must not be negative but is -1.0",
        "--prompt a --top-k 0        | --top-k must be at least 1 but is 0",
        "--prompt a --top-p 1.5      | --top-p must be above 0 and at most 1 but is 1.5",
        "--prompt=                   | --prompt is empty: the model needs a byte to start from",
        "--prompt a --tmperature 1   | unknown option '--tmperature', did you mean '--temperature'?",
        "--length 3                  | Missing required option: '--prompt=TEXT'",
    })
    void badUsage(String options, String message) {
        CommandRun bad = sample(run, options.split(" "));
        assertEquals(2, bad.status());
        assertEquals("error: " + message + " (see adjoint sample --help)", bad.err().strip());
    }

    @Test
    void badCheckpoints() throws IOException {
        Path missing = folder.resolve("missing");
        failsWith("no such file or folder: " + missing, missing);
        Path broken = Files.createDirectory(folder.resolve("broken"));
        failsWith("'" + broken + "' is not the folder of a training run: it lacks config.json", broken);
        Files.copy(run.resolve("config.json"), broken.resolve("config.json"));
        Path file = broken.resolve("checkpoint.safetensors");
        byte[] whole = Files.readAllBytes(run.resolve("checkpoint.safetensors"));
        Files.write(file, java.util.Arrays.copyOf(whole, whole.length / 2));
        failsWith(file + ": ", broken);
        try (Device device = Device.open("cpu")) {
            GPT words = GPT.of(new GPT.Config(300, 8, 1, 1, 4)).initialize(device, 0);
            Checkpoint.of(words.namedParameters()).save(file, words.config().toMetadata());
            failsWith(file + ": is a checkpoint of another model: its vocabulary is 300 tokens, not the 256 bytes",
                    broken);
            Checkpoint.of(words.namedParameters()).save(file, Map.of());
            failsWith(file + ": is a checkpoint of another model: ", broken);
        }
    }

    private static void failsWith(String message, Path checkpoint) {
        CommandRun failed = sample(checkpoint, "--prompt", "a");
        assertEquals(1, failed.status(), failed::out);
        assertTrue(failed.err().startsWith("error: " + message), failed::err);
    }
}

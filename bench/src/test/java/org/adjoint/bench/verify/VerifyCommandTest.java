package org.adjoint.bench.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.adjoint.Device;
import org.adjoint.bench.CommandRun;
import org.adjoint.bench.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class VerifyCommandTest {
    @TempDir
    private Path folder;

    private final List<String> ran = Collections.synchronizedList(new ArrayList<>());
    private Device device;
    private int concurrency = 1;
    private Item.Check first = () -> Map.of("passed", true);
    private Item.Check second = () -> Map.of("passed", true, "samples", 7);

    private record Listed(String name, List<Item> items, int concurrency) implements Part {
        @Override
        public List<Item> rehearsals() {
            return items;
        }
    }

    private Item item(String key, Item.Check check) {
        return new Item(key, () -> {
            ran.add(key);
            return check.run();
        });
    }

    private List<Part> parts() {
        Item.Check copy = () -> Map.of("passed", true, "rate", 12.5, "unit", "GB/s");
        return List.of(new Listed("kernels", List.of(item("one", first), item("two", second)), concurrency),
            new Listed("speed", List.of(item("copy", copy)), 1));
    }

    private CommandRun run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        List<String> all = new ArrayList<>(List.of("--device", "reference", "--json", file().toString()));
        all.addAll(List.of(arguments));
        int status = new CommandLine(new VerifyCommand(opened -> {
            device = opened;
            return parts();
        })).setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(all.toArray(String[]::new));
        return new CommandRun(status, out.toString(), err.toString());
    }

    private Path file() {
        return folder.resolve("verify.json");
    }

    private Map<?, ?> part(String name) throws IOException {
        return (Map<?, ?>) ((Map<?, ?>) Json.readObject(file()).get("parts")).get(name);
    }

    @Test
    void allThatPassesGivesStatusZero() throws IOException {
        CommandRun run = run();
        assertEquals(0, run.status(), run::err);
        List<String> lines = run.out().lines().toList();
        assertTrue(lines.get(1).matches("kernels    2 of 2 items in \\d+ s: passed"), run::out);
        assertTrue(lines.get(2).matches("  copy +12.5 GB/s"), run::out);
        assertTrue(lines.get(3).matches("speed      1 of 1 item in \\d+ s: passed"), run::out);
        assertEquals("All passed; recorded in " + file(), lines.getLast());
        assertEquals(true, part("kernels").get("passed"));
        assertEquals(Map.of("passed", true, "samples", 7L),
            ((Map<?, ?>) part("kernels").get("items")).get("two"));
    }

    @Test
    void aBudgetStopsAndTheNextRunGoesOnWhereItStopped() throws IOException {
        CommandRun none = run("--budget", "0s");
        assertEquals(1, none.status());
        assertEquals(List.of(), ran);
        assertTrue(none.out().contains("kernels    0 of 2 items in 0 s: stopped by the budget"), none::out);
        assertTrue(none.out().contains("Passed so far, run it again to go on"), none::out);
        assertEquals(false, part("kernels").get("complete"));
        run("--part", "kernels");
        assertEquals(List.of("one", "two"), ran);
        assertEquals(0, run().status());
        assertEquals(List.of("one", "two", "copy"), ran);
        assertEquals(0, run("--restart", "--part", "speed").status());
        assertEquals(List.of("one", "two", "copy", "copy"), ran);
        assertEquals(null, part("kernels"));
    }

    @Test
    void itemsRunTogetherWhereTheirPartAllowsIt() throws IOException {
        CyclicBarrier both = new CyclicBarrier(2);
        first = () -> Map.of("passed", both.await(1, TimeUnit.MINUTES) >= 0);
        second = () -> Map.of("passed", both.await(1, TimeUnit.MINUTES) >= 0, "samples", 7);
        concurrency = 2;
        assertEquals(0, run().status());
        assertEquals(2, ((Map<?, ?>) part("kernels").get("items")).size());
        assertEquals(true, part("kernels").get("passed"));
        assertEquals("copy", ran.getLast());
    }

    @Test
    void anItemThatFailsGivesStatusOneAndTheOthersStillRun() throws IOException {
        second = () -> Map.of("passed", false, "failures", List.of("add f32: 3, not 4"));
        CommandRun run = run();
        assertEquals(1, run.status());
        assertTrue(run.out().contains("  two: FAILED: add f32: 3, not 4"), run::out);
        assertTrue(run.out().contains("2 of 2 items"), run::out);
        assertTrue(run.out().contains("Not all passed"), run::out);
        assertEquals(List.of("one", "two", "copy"), ran);
        assertEquals(false, part("kernels").get("passed"));
        assertEquals(1, run().status(), "a failure that was recorded is forgotten");
    }

    @Test
    void anItemThatThrowsIsAFailureWithItsReason() throws IOException {
        second = () -> {
            throw new IllegalStateException("the card is gone");
        };
        CommandRun run = run();
        assertEquals(1, run.status());
        assertTrue(run.out().contains("two: FAILED: java.lang.IllegalStateException: the card is gone"), run::out);
        assertTrue(((Map<?, ?>) part("kernels").get("items")).get("two").toString().contains("the card is gone"));
    }

    @Test
    void whatFollowsALostDeviceIsLeftForTheNextRun() throws IOException {
        second = () -> {
            device.close();
            throw new IllegalStateException("the kernel failed");
        };
        CommandRun run = run();
        assertEquals(1, run.status());
        assertTrue(run.out().contains("The device was lost, run it again to go on"), run::out);
        assertEquals(List.of("one", "two"), ran);
        assertTrue(run().out().contains("Not all passed"));
        assertEquals(List.of("one", "two", "copy"), ran);
        assertEquals(true, part("speed").get("passed"));
    }

    @Test
    void whatWasRecordedOnAnotherMachineDoesNotCount() throws IOException {
        run();
        Map<String, Object> record = Json.readObject(file());
        record.put("machine", Map.of("device", "cuda", "commit", "1234567"));
        Json.write(file(), record);
        CommandRun run = run();
        assertEquals(0, run.status());
        assertEquals(List.of("one", "two", "copy", "one", "two", "copy"), ran);
        Path kept = file().resolveSibling(file().getFileName().toString().replace(".json", "-1.json"));
        assertEquals(record, Json.readObject(kept));
        assertTrue(run.err().contains("renamed to " + kept), run::err);
    }

    @Test
    void aRecordThatCannotBeReadIsLeftAlone() throws IOException {
        Files.writeString(file(), "{ not json");
        CommandRun run = run();
        assertEquals(1, run.status());
        assertTrue(run.err().contains("remove it, or start anew with --restart"), run::err);
        assertEquals("{ not json", Files.readString(file()));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--part sped   | unknown part 'sped': one of kernels, gradients, training, threads, speed, sanitizer",
        "--budget 9    | --budget must be a time such as 90s, 9m or 2h but is '9'",
        "--device cup  | unknown device 'cup', did you mean 'cpu'?",
    })
    void badUsageIsToldInOneLine(String arguments, String message) {
        CommandRun run = CommandRun.of(("verify --device reference --json " + file() + " " + arguments)
            .replaceFirst("--device reference (?=.*--device)", "").split(" "));
        assertEquals(2, run.status(), run::err);
        assertEquals("error: " + message + " (see adjoint verify --help)", run.err().strip());
    }
}

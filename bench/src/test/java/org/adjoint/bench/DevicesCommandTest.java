package org.adjoint.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DevicesCommandTest {
    @TempDir
    private Path folder;

    @Test
    void theCpuIsUsable() throws IOException {
        Path file = folder.resolve("devices.json");
        CommandRun run = CommandRun.of("devices", "--json", file.toString());
        assertEquals(0, run.status(), run::err);
        assertTrue(run.out().lines().anyMatch(line -> line.startsWith("cpu ")), run::out);
        List<?> devices = (List<?>) Json.readObject(file).get("devices");
        assertTrue(devices.stream().map(device -> (Map<?, ?>) device)
                .anyMatch(device -> device.get("name").equals("cpu") && device.get("usable").equals(true)), run::out);
    }

    @Test
    void helpShowsExamples() {
        CommandRun run = CommandRun.of("devices", "--help");
        assertEquals(0, run.status());
        assertTrue(run.out().contains("Examples:"), run::out);
    }
}

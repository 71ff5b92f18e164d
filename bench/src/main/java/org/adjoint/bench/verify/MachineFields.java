package org.adjoint.bench.verify;

import java.util.LinkedHashMap;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.backend.DeviceReport;
import org.adjoint.bench.suite.MachineInfo;

/** What a record holds for: device, driver, versions, machine and commit. */
final class MachineFields {
    private MachineFields() { }

    static Map<String, Object> of(Device device) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("device", device.name());
        fields.put("description", device.description());
        Device.list().stream().filter(report -> report.name().equals(device.name())).map(DeviceReport::details)
            .findFirst().ifPresent(details -> fields.put("details", details));
        Map<String, Object> machine = MachineInfo.of(Runtime.getRuntime().availableProcessors()).fields();
        for (String field : new String[] {"processor", "jdk", "commit"}) {
            fields.put(field, machine.get(field));
        }
        return fields;
    }
}

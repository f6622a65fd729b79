namespace OtlpTap.Tests.EndToEnd;

/// <summary>What a page of another origin can send without asking: simple requests, forms, beacons.</summary>
public sealed class BrowserReloadTests
{
    [Fact]
    public async Task No_page_makes_a_tap_of_this_machine_reload()
    {
        var browser = Browser.Require();
        await using var page = await PageServer.StartAsync();
        await using var tap = await RunningTap.StartAsync();
        var reload = $"http://{tap.Host.AdminEndpoint}/-/reload";
        page.Script =
            $$"""
            const submit = referrer => new Promise(done => {
              const frame = Object.assign(document.createElement("iframe"), { name: referrer });
              const form = Object.assign(document.createElement("form"), { method: "post", action: "{{reload}}", target: referrer });
              form.rel = referrer === "plain" ? "" : referrer;
              document.body.append(frame, form);
              frame.addEventListener("load", () => setTimeout(done, 0));
              form.submit();
            });
            const anyway = work => work.then(() => "sent", problem => problem.name);
            const told = [
              await anyway(fetch("{{reload}}", { method: "POST", mode: "no-cors" })),
              await anyway(fetch("{{reload}}", { method: "POST", mode: "no-cors", referrerPolicy: "no-referrer", body: "x" })),
              await anyway(fetch("{{reload}}", { method: "POST" })),
              navigator.sendBeacon("{{reload}}", "x") ? "sent" : "kept",
            ];
            await submit("plain");
            await submit("noreferrer");
            await fetch("/told", { method: "POST", body: JSON.stringify(told) });
            """;

        var told = (await browser.ShowAsync(page)).EnumerateArray().Select(outcome => outcome.GetString());

        // The third could read the answer, and the browser keeps that from it; all have reached the tap.
        Assert.Equal(["sent", "sent", "TypeError", "sent"], told);
        Assert.Equal(0, await tap.MetricAsync("otlptap_config_reloads_total{result=\"applied\"}"));
        using var http = new HttpClient();
        using var byHand = await http.PostAsync(new Uri(reload), null, TestContext.Current.CancellationToken);
        Assert.True(byHand.IsSuccessStatusCode);
        Assert.Equal(1, await tap.MetricAsync("otlptap_config_reloads_total{result=\"applied\"}"));
    }
}

using System.Text.Json;
using OtlpTap.Tests.Forward;

namespace OtlpTap.Tests.EndToEnd;

/// <summary>A browser that decides by itself what a page may.</summary>
internal sealed class Browser(ExternalProgram chromium)
{
    // It starts on a machine that has other things to do.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static Browser Require() => new(ExternalProgram.Require("chromium", "chromium"));

    /// <summary>Opens the page and returns what it told.</summary>
    public async Task<JsonElement> ShowAsync(PageServer page)
    {
        var profile = Directory.CreateTempSubdirectory("otlptap-browser-").FullName;

        // Its sandbox needs rights that containers have not; the page is the test's own.
        using var browser = chromium.Start(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", $"--user-data-dir={profile}", "--remote-debugging-port=0", page.Origin]);
        var error = browser.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            var ended = browser.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(await Task.WhenAny(page.Told, ended).WaitAsync(Patience, TestContext.Current.CancellationToken) == page.Told, ended.IsCompleted ? $"the browser ended: {await error}" : "");
            return await page.Told;
        }
        finally
        {
            browser.Kill(entireProcessTree: true);
            await browser.WaitForExitAsync(CancellationToken.None);
            await Deadline.UntilAsync(() => TryDelete(profile), "the browser's other processes have ended");
        }
    }

    // Its other processes are ended, too, and write until they are.
    private static bool TryDelete(string profile)
    {
        try
        {
            Directory.Delete(profile, recursive: true);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}

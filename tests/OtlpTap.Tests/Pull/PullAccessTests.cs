using OtlpTap.Tests.Forward;
using static OtlpTap.Tests.Pull.PullRig;

namespace OtlpTap.Tests.Pull;

/// <summary>Who a backend is, and what it is shown.</summary>
public sealed class PullAccessTests
{
    [Theory]
    [InlineData("tempo", "{ }")]
    [InlineData("loki", "{a=\"b\"}")]
    public async Task A_backend_with_a_certificate_of_the_operators_own_authority_is_trusted(string source, string query)
    {
        using var certificates = new TestCertificates();
        await using var rig = new PullRig(await StubBackend.StartAsync(certificates.Issue("localhost")));
        rig.Backend.Add(1, Failing(), Now - 600);

        Assert.Equal(0, await rig.PullAsync(source, "--query", query, "--config", Trusting(rig, source, certificates)));

        Assert.Equal(source == "tempo" ? 1 : 0, rig.Cases().Count);
        Assert.Equal("", rig.Error);
    }

    [Theory]
    [InlineData("tempo", "{ }")]
    [InlineData("loki", "{a=\"b\"}")]
    public async Task A_backend_with_a_certificate_of_another_authority_is_refused_and_named_with_the_cause(string source, string query)
    {
        using var certificates = new TestCertificates();
        using var others = new TestCertificates("somebody else");
        await using var rig = new PullRig(await StubBackend.StartAsync(certificates.Issue("localhost")));

        var pulling = rig.PullAsync(source, "--query", query, "--config", Trusting(rig, source, others));
        await rig.Time.PassUntilAsync(() => pulling.IsCompleted, "the pull ends");

        Assert.Equal(2, await pulling);
        Assert.Contains($"localhost:{rig.Backend.Url.Port}: ", rig.Error, StringComparison.Ordinal);
        Assert.Contains("certificate", rig.Error, StringComparison.Ordinal);
        Assert.Empty(rig.Backend.Requests);
    }

    [Theory]
    [InlineData("tempo", "{ }")]
    [InlineData("loki", "{a=\"b\"}")]
    public async Task A_token_of_a_file_is_shown_with_every_request_and_never_said(string source, string query)
    {
        await using var rig = new PullRig(await StubBackend.StartAsync());
        rig.Backend.Add(1, Failing(), Now - 600);

        Assert.Equal(0, await rig.PullAsync(source, "--query", query, "--token-file", rig.Write("token", "t0ken\n")));

        Assert.NotEmpty(rig.Backend.Authorizations);
        Assert.All(rig.Backend.Authorizations, shown => Assert.Equal("Bearer t0ken", shown));
        Assert.DoesNotContain("t0ken", rig.Output + rig.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_and_a_password_go_as_a_header_of_the_configuration_beside_the_tenant()
    {
        await using var rig = new PullRig(await StubBackend.StartAsync());
        var config = rig.Config($"pull: {{ loki: {{ url: '{rig.Backend.Url}', query: '{{a=\"b\"}}', tenant: 'shop|other', headers: {{ authorization: 'Basic dXNlcjpwYXNz' }} }} }}");

        Assert.Equal(0, await rig.PullAsync("loki", "--config", config));

        Assert.All(rig.Backend.Authorizations, shown => Assert.Equal("Basic dXNlcjpwYXNz", shown));
        Assert.All(rig.Backend.Tenants, tenant => Assert.Equal("shop|other", tenant));
    }

    [Fact]
    public async Task A_token_whose_file_is_gone_is_said_before_anything_is_asked()
    {
        await using var rig = new PullRig(await StubBackend.StartAsync());
        Assert.Equal(2, await rig.PullAsync("tempo", "--token-file", Path.Combine(rig.Folder, "gone")));
        Assert.Contains("the token's file cannot be read", rig.Error, StringComparison.Ordinal);
        Assert.Empty(rig.Backend.Requests);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task Who_is_refused_is_told_at_once_and_not_asked_again(int status)
    {
        await using var rig = new PullRig(await StubBackend.StartAsync());
        rig.Backend.Instead = async context =>
        {
            await StubBackend.AnswerAsync(context, status, "text/plain", "no org id"u8.ToArray());
            return true;
        };

        Assert.Equal(2, await rig.PullAsync("tempo"));
        Assert.Contains($"answered {status}: no org id", rig.Error, StringComparison.Ordinal);
        Assert.Single(rig.Backend.Requests);
    }

    private static string Trusting(PullRig rig, string source, TestCertificates certificates) =>
        rig.Config($"pull: {{ {source}: {{ url: '{rig.Backend.Url}', query: '{{ }}', tls: {{ ca_file: '{certificates.AuthorityFile}' }} }} }}");
}

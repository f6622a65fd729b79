using System.Text;
using System.Text.Json;
using OtlpTap.Otlp;
using OtlpTap.Redact;

namespace OtlpTap.Tests.Redact;

/// <summary>What is found, and what is not taken for it.</summary>
public sealed class RedactorTests
{
    private static readonly Redactor Masking = new(new RedactOptions());

    [Theory]
    [InlineData("write to ann.lee+orders@mail.example.co.uk, please.", "write to [email], please.")]
    [InlineData("<bob@example.com>", "<[email]>")]
    [InlineData("From: \"Ann\" <ann@example.org> To: o'neil@example.ie.", "From: \"Ann\" <[email]> To: [email].")]
    [InlineData("mailto:a@b.io?subject=x", "mailto:[email]?subject=x")]
    [InlineData("j\u00fcrgen@m\u00fcller.de", "[email]")]
    [InlineData("call +49 30 1234 5678 now", "call [phone] now")]
    [InlineData("+1 (415) 555-2671", "[phone]")]
    [InlineData("+14155552671", "[phone]")]
    [InlineData("tel:+33-1-42-68-53-00", "tel:[phone]")]
    [InlineData("(415) 555-2671 or 415-555-2671 or 415.555.2671", "[phone] or [phone] or [phone]")]
    [InlineData("0049301234567 is mine", "[phone] is mine")]
    [InlineData("my phone is 030 1234567", "my phone is [phone]")]
    [InlineData("Telefon: 0171/1234567", "Telefon: [phone]")]
    [InlineData("pay with 4111 1111 1111 1111 today", "pay with [card] today")]
    [InlineData("4111-1111-1111-1111", "[card]")]
    [InlineData("card 5555555555554444.", "card [card].")]
    [InlineData("amex 3782 822463 10005", "amex [card]")]
    [InlineData("IBAN DE89 3704 0044 0532 0130 00, thanks", "IBAN [iban], thanks")]
    [InlineData("GB82WEST12345698765432", "[iban]")]
    [InlineData("NO9386011117947", "[iban]")]
    [InlineData("Authorization: Bearer abc123def456", "Authorization: Bearer [token]")]
    [InlineData("authorization: Basic dXNlcjpwYXNzd29yZDE=", "authorization: Basic [token]")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "[jwt]")]
    [InlineData("OPENAI_API_KEY=sk-proj-Ab12cd34Ef56gh78Ij90kl12Mn34op56", "OPENAI_API_KEY=[secret]")]
    [InlineData("key sk-ant-api03-AbCdEf0123456789AbCdEf0123456789_-AbCd works", "key [api_key] works")]
    [InlineData("AIzaSyA1234567890abcdefghijklmnopqrstuv", "[api_key]")]
    [InlineData("AKIAIOSFODNN7EXAMPLE", "[api_key]")]
    [InlineData("aws wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1 end", "aws wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1 end")]
    [InlineData("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = [secret]")]
    [InlineData("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[api_key]")]
    [InlineData("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789", "[api_key]")]
    [InlineData("xoxb-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx", "[api_key]")]
    [InlineData("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX1XXXXXXXXXXXXXXX", "https://[api_key]")]
    [InlineData("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "[api_key]")]
    [InlineData("hf_AbCdEfGhIjKlMnOpQrStUvWxYz01234567", "[api_key]")]
    [InlineData("gsk_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOp", "[api_key]")]
    [InlineData("DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq==;", "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=[secret];")]
    [InlineData("api-key: 0123456789abcdef0123456789abcdef", "api-key: [secret]")]
    [InlineData("postgres://app:hunter2@db.example/orders", "postgres://app:[secret]@db.example/orders")]
    [InlineData("password=hunter2&next=/", "password=[secret]&next=/")]
    [InlineData("password: hunter2", "password: [secret]")]
    [InlineData("{'client_secret': 'a1b2c3d4'}", "{'client_secret': '[secret]'}")]
    [InlineData("{\\\"password\\\": \\\"hunter2\\\"}", "{\\\"password\\\": \\\"[secret]\\\"}")]
    [InlineData("export TOKEN=abcd1234", "export TOKEN=[secret]")]
    [InlineData("seed Zx8Kq2LmP0vRt7Ns4WbYc1Hd6Fg3Jk9Q rest", "seed [secret] rest")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nafter", "[private_key]\nafter")]
    [InlineData("x -----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl cut off", "x [private_key]")]
    public void What_is_personal_or_secret_is_masked(string text, string expected)
    {
        Assert.Equal(expected, Masking.Redact(text));
        Assert.Equal(expected, Masking.Redact(expected)); // and left alone the next time
    }

    [Theory]
    [InlineData("gpt-4o-mini-2024-07-18")]
    [InlineData("claude-3-5-sonnet-20241022 and us.anthropic.claude-sonnet-4-20250514-v1:0")]
    [InlineData("chatcmpl-AbCd1234EfGh5678IjKl9012MnOp3456")]
    [InlineData("call_9qKz1XbT4uVw7YdR2mNc8LpS msg_01XFDUDYJgAACzvnptvVoYEL toolu_01A09q90qw90lq917835lq9")]
    [InlineData("resp_68a1f0c2d3e4b5a6978812345678abcd fp_44709d6fcb")]
    [InlineData("123e4567-e89b-12d3-a456-426614174000")]
    [InlineData("00000000-4111-4111-8111-111111111111")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7")]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    [InlineData("d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592")]
    [InlineData("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")]
    [InlineData("order 4111111111111112, invoice 1234567890123456, tracking 9400110200881234567890")]
    [InlineData("at 1793491200000 and 1793491200000000000 ns")]
    [InlineData("0.4111111111111111 and 12.5555555555554444")]
    [InlineData("2026-11-23T11:26:17.123456Z, 2026-11-23, 23.11.2026, 11:26")]
    [InlineData("192.168.178.100 10.0.0.1:8080 v1.2.3 1.25.0-beta.3")]
    [InlineData("openai@4.2.7 @ai-sdk/openai@4.0.118 icon@2x.png you@home")]
    [InlineData("The token budget: the smallest unit. max_tokens: 4096, total_tokens=345, token_type: word")]
    [InlineData("A bearer of bad news; basic understanding; the secret: nobody knows; password reset link")]
    [InlineData("password=${DB_PASSWORD} api_key=<your key> secret: null token=[secret] password: ****")]
    [InlineData("GetWeatherForecastByCityNameAndCountryCode2Async(UserPreferencesRepositoryFactory)")]
    [InlineData("/home/build/src/OtlpTap.Tests/Fixtures/SemanticKernel2/ChatCompletionService.cs:142")]
    [InlineData("https://api.example.com/v1/threads/thread_abc123/runs?limit=20&order=desc")]
    [InlineData("sk-learn-preprocessing-pipeline sk-button-primary-large-rounded")]
    [InlineData("+5 10 20 30 40; a+12345678; 3 + 4 = 7; +02:00; +10000000")]
    [InlineData("DE89 3704 0044 0532 0130 01 is no IBAN; GB00 and AT123")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----")]
    [InlineData("{\"type\":\"object\",\"properties\":{\"password\":{\"type\":\"string\"},\"email\":{\"type\":\"string\",\"format\":\"email\"}},\"required\":[\"password\"]}")]
    [InlineData("{\"id\":\"123e4567-e89b-12d3-a456-426614174000\",\"created\":1793491200,\"usage\":{\"total_tokens\":4111111}}")]
    [InlineData("https://example.com/a:b/c@d?e=f@")]
    [InlineData("01ARZ3NDEKTSV4RRFFQ69G5FAV V1StGXR8_Z5jdHi6B-myT")]
    public void Ids_versions_dates_and_words_are_no_secrets(string text) => Assert.Equal(text, Masking.Redact(text));

    [Theory]
    [InlineData("""{ "to": "ann@example.org", "n": 1 }""", """{ "to": "[email]", "n": 1 }""")]
    [InlineData("""{"to":"ann\u0040example.org"}""", """{"to":"[email]"}""")]
    [InlineData("""{"phone":"\u002B49 30 12345678"}""", """{"phone":"[phone]"}""")]
    [InlineData("""{"phone":"030 1234567","mobile":1711234567}""", """{"phone":"[phone]","mobile":"[phone]"}""")]
    [InlineData("""{"password":"x","Api-Key":"y","accessToken":"z","pin":1234}""", """{"password":"[secret]","Api-Key":"[secret]","accessToken":"[secret]","pin":"[secret]"}""")]
    [InlineData("""{"card":4111111111111111}""", """{"card":"[card]"}""")]
    [InlineData("""[{"user_id":"u-17","name":"x"}]""", """[{"user_id":"[user]","name":"x"}]""")]
    [InlineData("""{"body":"{\"to\":\"ann@example.org\",\"q\":\"\\\"hi\\\"\"}"}""", """{"body":"{\"to\":\"[email]\",\"q\":\"\\\"hi\\\"\"}"}""")]
    [InlineData("""{"ann@example.org":1}""", """{"[email]":1}""")]
    [InlineData("""{"cut off":"ann@example.org","x""", """{"cut off":"[email]","x""")]
    [InlineData("""{"lone":"\ud800 ann@example.org"}""", """{"lone":"\ud800 [email]"}""")]
    public void Json_is_read_as_json(string text, string expected) => Assert.Equal(expected, Masking.Redact(text));

    [Fact]
    public void Equal_values_stay_equal_under_a_key_and_differ_under_another()
    {
        var options = new RedactOptions { Mode = RedactMode.Hash };
        var one = new Redactor(options, "key one"u8);
        var redacted = one.Redact("ann@example.org, bob@example.org, ann@example.org");
        var parts = redacted.Split(", ");
        Assert.Matches(@"^\[email:[0-9a-f]{12}\]$", parts[0]);
        Assert.Equal(parts[0], parts[2]);
        Assert.NotEqual(parts[0], parts[1]);
        Assert.Equal(redacted, new Redactor(options, "key one"u8).Redact("ann@example.org, bob@example.org, ann@example.org"));
        Assert.NotEqual(redacted, new Redactor(options, "key two"u8).Redact("ann@example.org, bob@example.org, ann@example.org"));
        Assert.Equal(redacted, one.Redact(redacted));
    }

    [Fact]
    public void Dropping_leaves_nothing() => Assert.Equal("write to , please", new Redactor(new RedactOptions { Mode = RedactMode.Drop }).Redact("write to ann@example.org, please"));

    [Fact]
    public void Redaction_that_is_off_changes_nothing() => Assert.Equal("ann@example.org", new Redactor(new RedactOptions { IsEnabled = false }).Redact("ann@example.org"));

    [Fact]
    public void Own_patterns_are_found_wherever_they_match()
    {
        var redactor = new Redactor(new RedactOptions { Patterns = [@"\bC-[0-9]{6}\b", "(?i)project atlas"] });
        Assert.Equal("[pattern] of [pattern] and [email], c-1", redactor.Redact("C-123456 of Project ATLAS and ann@example.org, c-1"));
        Assert.Equal("""{"id":"[pattern]"}""", redactor.Redact("""{"id":"C-123456"}"""));
        Assert.Equal("\u00fc [pattern] \u00e9", redactor.Redact("\u00fc C-123456 \u00e9"));
    }

    [Fact]
    public void A_match_of_an_own_pattern_may_reach_over_another_finding()
    {
        var redactor = new Redactor(new RedactOptions { Patterns = ["to .*"] });
        Assert.Equal("write [pattern]", redactor.Redact("write to ann@example.org, please"));
    }

    [Theory]
    [InlineData("(", "not closed")]
    [InlineData("a*", "empty text")]
    public void A_pattern_that_cannot_be_used_is_told(string pattern, string expected) =>
        Assert.Contains(expected, Redactor.Problem(pattern), StringComparison.Ordinal);

    [Theory]
    [InlineData("customer.*", "customer.name", true)]
    [InlineData("Customer.Name", "customer.name", true)]
    [InlineData("*.address.*", "customer.address.city", true)]
    [InlineData("customer", "customer.name", false)]
    [InlineData("*", "", true)]
    [InlineData("a*b*c", "axxbyyc", true)]
    [InlineData("a*b*c", "axxbyy", false)]
    public void Names_of_attributes_may_have_stars(string pattern, string name, bool matches) =>
        Assert.Equal(matches, NamePattern.IsMatch<byte>(pattern, Encoding.UTF8.GetBytes(name), ignoresCase: true));

    [Fact]
    public void Named_properties_of_json_go_whole()
    {
        var redactor = new Redactor(new RedactOptions { Attributes = ["address", "birth*"] });
        Assert.Equal("""{"address":"[attribute]","birthday":"[attribute]","city":"x"}""", redactor.Redact("""{"address":{"street":"Main 1","zip":[1,2]},"birthday":"1980","city":"x"}"""));
    }

    /// <summary>Each text is the worst of its sort for some look around a place.</summary>
    [Theory]
    [InlineData("a")]
    [InlineData("a@")]
    [InlineData("a.")]
    [InlineData("eyJ-")]
    [InlineData("eyJhbGciOi.")]
    [InlineData("secret:")]
    [InlineData("password=")]
    [InlineData("Bearer ")]
    [InlineData("-----BEGIN ")]
    [InlineData("-----BEGIN PRIVATE KEY-----")]
    [InlineData("://a:")]
    [InlineData("4111 ")]
    [InlineData("1-")]
    [InlineData("+1(")]
    [InlineData("DE89 ")]
    [InlineData("sk-")]
    [InlineData("aB3/")]
    [InlineData("{\"a\":")]
    [InlineData("[[")]
    [InlineData("\"\\\"")]
    public void Ten_megabytes_take_linear_time(string piece)
    {
        var small = Time(1 << 20);
        var large = Time(10 << 20);

        // Ten times the text in ten times the time, and three times that for a machine that others use as well; quadratic time would be a hundred times.
        Assert.True(large < (30 * small) + TimeSpan.FromSeconds(2), $"1 MB: {small}, 10 MB: {large}");

        TimeSpan Time(int length)
        {
            var text = string.Concat(Enumerable.Repeat(piece, length / piece.Length));
            return ProcessorTime.Of(() => Masking.Redact(text));
        }
    }

    [Fact]
    public void An_own_pattern_that_takes_too_long_takes_the_text_with_it()
    {
        var redactor = new Redactor(new RedactOptions { Patterns = ["a{200}b|a(.*)c"] });
        var redacted = redactor.Redact(new string('a', 2_000_000) + "c");
        Assert.Equal("[pattern]", redacted);
    }

    [Fact]
    public void Random_secrets_are_found_and_random_words_are_not()
    {
        const string Base62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        var random = new Random(1);
        var found = Enumerable.Range(0, 1000).Count(_ => Masking.Redact("is " + new string(random.GetItems<char>(Base62, 40))) == "is [secret]");
        Assert.InRange(found, 980, 1000);

        var words = new[] { "Weather", "Forecast", "get", "City", "Order", "Id", "Service", "Async", "User", "http", "Tool", "3", "Json", "2" };
        var wrong = Enumerable.Range(0, 1000).Count(_ => Masking.Redact("is " + string.Concat(random.GetItems(words, 9))).Contains('[', StringComparison.Ordinal));
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void Whatever_the_text_the_rest_of_it_stays()
    {
        var random = new Random(2);
        var pieces = new[] { "ann@example.org", "{", "}", "\"", "\\", ":", "[", "]", "4111111111111111", " ", ",", "x", "\u00fc", "password", "=", "\u0000", "Bearer abc12345", "eyJhbGciOi.eyJzdWIiOi.x", "+4930123456", "-----BEGIN PRIVATE KEY-----" };
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(random.GetItems(pieces, random.Next(1, 12)));
            var redacted = Masking.Redact(text);
            Assert.DoesNotContain("ann@example.org", redacted, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Json_stays_json()
    {
        var random = new Random(3);
        var texts = new[] { "ann@example.org", "a\"b\\c", "\n", "+49 30 12345678", "\u2028<&", "plain", "{\"to\":\"ann@example.org\"}" };
        for (var i = 0; i < 2000; i++)
        {
            var json = JsonSerializer.Serialize(random.GetItems(texts, random.Next(1, 6)));
            using var redacted = JsonDocument.Parse(Masking.Redact(json));
            Assert.Equal(JsonValueKind.Array, redacted.RootElement.ValueKind);
            Assert.DoesNotContain("ann@", redacted.RootElement.ToString(), StringComparison.Ordinal);
        }
    }
}

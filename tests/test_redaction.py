from src.redaction import redacted


def test_of_two_secrets_one_of_which_is_part_of_the_other_the_longer_is_hidden_as_a_whole() -> None:
    environment = {"API_KEY": "hunter22", "DB_PASSWORD": "hunter22-and-more", "OTHER_TOKEN": "a hunter22-and-more"}
    assert redacted("hunter22-and-more hunter22", environment) == "${oc.env:DB_PASSWORD} ${oc.env:API_KEY}"
    assert redacted("it is a hunter22-and-more", environment) == "it is ${oc.env:OTHER_TOKEN}"
